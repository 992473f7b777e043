/** Shown in place of the console where nobody built it: the service itself runs. */
export const NOT_BUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The console is not built</title></head>
<body>
<h1>The console is not built</h1>
<p>The service runs; its pages are missing. In its folder:</p>
<pre>npm ci
npm run console:build</pre>
<p>Then start it again. <code>CONSOLE_ENABLED=false</code> takes this page away.</p>
</body>
</html>
`;
