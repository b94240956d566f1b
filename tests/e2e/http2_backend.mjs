// A backend over TLS that a test looks into: `node http2_backend.mjs CERTIFICATE KEY 1|2`, HTTP/1.1 only or
// HTTP/2 where it is asked for. One line of JSON on standard output for its port, and for each request.
import {readFileSync} from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';

const [certificate, key, version] = process.argv.slice(2);
const files = {cert: readFileSync(certificate), key: readFileSync(key)};
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');

function answer(request, response) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    const event = JSON.parse(body);
    tell({version: request.httpVersion, headers: request.headers, body, event});
    const who = event.event === 'connect' ? JSON.parse(event.token) : null;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(who ? {allow: true, key: who.key, mid: 7, accepts: [1000]} : {}));
  });
}

const server = version === '2' ? http2.createSecureServer({...files, allowHTTP1: true}, answer)
                               : https.createServer(files, answer);
server.on('session', () => tell({session: true}));
server.listen(0, '127.0.0.1', () => tell({port: server.address().port}));
