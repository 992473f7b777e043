import react from '@vitejs/plugin-react';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const COMPRESSED = /\.(js|css|svg)$/;

/** Compresses once, so that nobody does while somebody waits. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    closeBundle() {
      const folder = join(import.meta.dirname, 'dist/assets');
      for (const name of readdirSync(folder).filter((one) => COMPRESSED.test(one))) {
        const bytes = readFileSync(join(folder, name));
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes));
        writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig(({ command }) => {
  // As it is shipped, whoever builds it: in the environment of tests React's own checks would be a part of it.
  if (command === 'build') process.env.NODE_ENV = 'production';
  return {
    // The service writes the prefix into the page when it sends it.
    base: './',
    plugins: [react(), compressed()],
    build: { target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
    server: { proxy: { '/v1': 'http://127.0.0.1:3000', '/health': 'http://127.0.0.1:3000', '/metrics': 'http://127.0.0.1:3000' } },
  };
});
