import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { smtpServerOf } from '../config/smtp-server';
import { deliverBySmtp, RefusedForGood } from './smtp-delivery';

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

describe('the delivery to a server with accounts', () => {
  /** What the server saw of each mail: whose it was, and whether it came encrypted. */
  const taken: { user: unknown; encrypted: boolean; text: string }[] = [];
  const logins: (string | undefined)[] = [];

  const accounts = (secure: boolean) =>
    new SMTPServer({
      secure,
      logger: false,
      closeTimeout: 10,
      disableReverseLookup: true,
      authMethods: ['PLAIN', 'LOGIN'],
      onAuth: ({ username, password }, _session, done) => {
        logins.push(username);
        if (username === 'ada' && password === 'p@ss/word') done(null, { user: username });
        else done(Object.assign(new Error('bad credentials'), { responseCode: 535 }));
      },
      onData: (stream, { user, secure: encrypted }, done) => {
        let text = '';
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
        stream.on('end', () => {
          taken.push({ user, encrypted, text });
          done();
        });
      },
    });
  const listening = async (server: SMTPServer) => {
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.server.address() as AddressInfo).port;
  };
  const startTls = accounts(false);
  const smtps = accounts(true);
  const plain = new SMTPServer({ disabledCommands: ['STARTTLS', 'AUTH'], closeTimeout: 10, disableReverseLookup: true });
  let ports: { startTls: number; smtps: number; plain: number };
  beforeAll(async () => {
    ports = { startTls: await listening(startTls), smtps: await listening(smtps), plain: await listening(plain) };
  });
  afterAll(() => Promise.all([startTls, smtps, plain].map((server) => new Promise<void>((resolve) => server.close(() => resolve())))));
  beforeEach(() => {
    taken.length = logins.length = 0;
  });

  const deliver = (url: string) =>
    deliverBySmtp(smtpServerOf(url) as NonNullable<ReturnType<typeof smtpServerOf>>, ENVELOPE, Buffer.from('Subject: x\r\n\r\nHello'), never);

  it('begins TLS where the server offers it, and logs in under it', async () => {
    await deliver(`smtp://ada:p%40ss%2Fword@127.0.0.1:${ports.startTls}?tls=unverified`);
    expect(taken).toEqual([{ user: 'ada', encrypted: true, text: expect.stringContaining('Hello') }]);
  });

  it('logs in over TLS from the first byte', async () => {
    await deliver(`smtps://ada:p%40ss%2Fword@127.0.0.1:${ports.smtps}?tls=unverified`);
    expect(taken).toMatchObject([{ user: 'ada', encrypted: true }]);
  });

  it('ends with an error that may pass where the password is wrong: the mail waits for the operator', async () => {
    const failed = deliver(`smtp://ada:wrong@127.0.0.1:${ports.startTls}?tls=unverified`);
    await expect(failed).rejects.toThrow(/bad credentials/);
    await expect(failed).rejects.not.toBeInstanceOf(RefusedForGood);
    expect([logins, taken]).toEqual([['ada'], []]);
  });

  it.each(['startTls', 'smtps'] as const)('gives no password to a server whose certificate nobody trusts: %s', async (server) => {
    await expect(deliver(`${server === 'smtps' ? 'smtps' : 'smtp'}://ada:p%40ss%2Fword@127.0.0.1:${ports[server]}`)).rejects.toThrow(/certificate/i);
    expect([logins, taken]).toEqual([[], []]);
  });

  it('sends nothing in the clear where TLS is required and not offered', async () => {
    await expect(deliver(`smtp://127.0.0.1:${ports.plain}?tls=required`)).rejects.toThrow(/STARTTLS/i);
  });
});
