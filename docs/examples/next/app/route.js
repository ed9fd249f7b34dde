import { readFileSync } from 'node:fs';

// Next loads a route with its first request, which is the health check's.
const version = readFileSync('version', 'utf8').trim();

export const dynamic = 'force-dynamic';

export const GET = () => new Response('ok\n', { headers: { 'X-Version': version } });

export const POST = async (request) => new Response(await request.arrayBuffer(), { headers: { 'X-Version': version } });
