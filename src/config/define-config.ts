// What a configuration file in JavaScript or TypeScript imports.
import type { FileInput } from './schema.ts';

/** The configuration as it is written in a file. */
export type GracefulConfigInput = FileInput;

/** Returns its argument. It is there for the editor: `export default defineConfig({ … })` completes and checks the keys. */
export const defineConfig = (config: GracefulConfigInput): GracefulConfigInput => config;
