// Makes the conformance suite speak the transport of 2024-11-05, HTTP with SSE, which it has none for: its client of
// the official SDK sends and receives with the SDK's older transport instead. Loaded with `node --import`.
//
// Environment: VESTIBULE_TEST_NODE_MODULES.
import { pathToFileURL } from 'node:url';

const sdk = pathToFileURL(`${process.env.VESTIBULE_TEST_NODE_MODULES}/@modelcontextprotocol/sdk/dist/esm/client/`);
const { SSEClientTransport } = await import(new URL('sse.js', sdk));
const { StreamableHTTPClientTransport } = await import(new URL('streamableHttp.js', sdk));

const older = new WeakMap();

Object.assign(StreamableHTTPClientTransport.prototype, {
  async start() {
    const transport = new SSEClientTransport(this._url);
    transport.onmessage = (message, extra) => this.onmessage?.(message, extra);
    transport.onerror = (error) => this.onerror?.(error);
    transport.onclose = () => this.onclose?.();
    older.set(this, transport);
    await transport.start();
  },
  send(message) {
    return older.get(this).send(message);
  },
  close() {
    return older.get(this).close();
  },
});
