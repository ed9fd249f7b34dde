// The two balancers that the role knows. Neither sends a request a second time: what is lost behind them is seen.

/** The names of the servers and their addresses. */
type Servers = Readonly<Record<string, string>>;

export const haproxyConfig = (servers: Servers): string => `
global
  stats socket /run/haproxy/admin.sock mode 600 level admin
  maxconn 200
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout check 10s
frontend public
  bind :80
  default_backend shop
listen statistics
  bind :8404
  stats enable
  stats uri /
backend shop
  option httpchk GET /healthz
  default-server check inter 500ms
${Object.entries(servers)
  .map(([name, address]) => `  server ${name} ${address}:80\n`)
  .join('')}`;

export const nginxUpstream = (servers: Servers): string => `
upstream shop {
${Object.values(servers)
  .map((address) => `  server ${address}:80;\n`)
  .join('')}}
server {
  listen 8080;
  # A reload closes kept connections, also one that a client has just sent a request on.
  keepalive_timeout 0;
  location / {
    proxy_pass http://shop;
    proxy_next_upstream off;
  }
}
`;
