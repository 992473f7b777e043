import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { smtpServerOf } from '../config/smtp-server';
import { deliverBySmtp } from './smtp-delivery';

const ENVELOPE = { from: 'a@example.com', to: 'b@example.com' };
const LONG = 3_600_000;
const never = new AbortController().signal;

describe('the delivery', () => {
  let server: Server;
  let onConnection: (socket: Socket) => void;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => sockets.forEach((socket) => socket.destroy()));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const deliver = (patience: Partial<Record<'connect' | 'greeting' | 'silence' | 'all', number>>, stop = never) => {
    const url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}?tls=never`;
    const all = { connect: LONG, greeting: LONG, silence: LONG, all: LONG, ...patience };
    return deliverBySmtp(smtpServerOf(url) as NonNullable<ReturnType<typeof smtpServerOf>>, ENVELOPE, Buffer.from('Subject: x\r\n\r\nx'), stop, all);
  };

  it('ends with an error at a server that never greets', async () => {
    onConnection = () => undefined;
    await expect(deliver({ greeting: 20 })).rejects.toThrow(/greet/i);
  });

  it('ends with an error at a server that falls silent', async () => {
    onConnection = (socket) => void socket.write('220 hello\r\n');
    await expect(deliver({ silence: 20 })).rejects.toThrow(/time/i);
  });

  it('ends with an error at a server that answers a byte now and then, for ever', async () => {
    onConnection = (socket) => {
      const timer = setInterval(() => socket.write('2'), 5);
      socket.on('close', () => clearInterval(timer));
    };
    await expect(deliver({ all: 60 })).rejects.toThrow('not done within');
  });

  it('ends when it is asked to stop, and closes the connection', async () => {
    const stop = new AbortController();
    const closed = new Promise<void>((resolve) => {
      onConnection = (socket) => {
        socket.on('close', () => resolve());
        socket.resume();
        stop.abort();
      };
    });
    await expect(deliver({}, stop.signal)).rejects.toThrow();
    await closed;
  });

  it('ends with an error where nobody listens', async () => {
    const nowhere = { ...(smtpServerOf('smtp://127.0.0.1:1?tls=never') as NonNullable<ReturnType<typeof smtpServerOf>>) };
    await expect(deliverBySmtp(nowhere, ENVELOPE, Buffer.from(''), never)).rejects.toThrow(/ECONNREFUSED/);
  });
});
