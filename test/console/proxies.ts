import { expect } from '@playwright/test';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const NGINX = '/usr/sbin/nginx';

interface Proxy {
  port: number;
  end: () => Promise<unknown>;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** A proxy that takes a prefix off and reports it. */
export async function startProxy(prefix: string, target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, 'x-forwarded-prefix': prefix, 'x-forwarded-for': '10.0.0.9' };
    const path = (incoming.url ?? '/').replace(prefix, '') || '/';
    const onward = httpRequest({ hostname, port, method: incoming.method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: portOf(server), end: () => new Promise((resolve) => server.close(resolve)) };
}

/** A real nginx that does the same. */
export async function startNginx(prefix: string, target: string): Promise<Proxy> {
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const port = portOf(free);
  await new Promise((resolve) => free.close(resolve));
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-nginx-'));
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
    http { access_log off; ${temps.join(' ')} server { listen 127.0.0.1:${port};
      location ${prefix}/ { proxy_pass ${target}/; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Prefix ${prefix};
        proxy_set_header X-Forwarded-For $remote_addr; proxy_buffering off; proxy_http_version 1.1; } } }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const child = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await expect(async () => expect((await fetch(`http://127.0.0.1:${port}${prefix}/health/live`)).status).toBe(200)).toPass({ timeout: 60_000 });
  const end = async () => {
    child.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, end };
}
