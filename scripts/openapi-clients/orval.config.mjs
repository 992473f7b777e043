export default { service: { input: './openapi.json', output: { target: './clients/orval/client.ts', client: 'fetch', mode: 'single' } } };
