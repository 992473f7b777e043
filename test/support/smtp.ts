import { type AddressInfo, type Socket } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { eventually } from './eventually';

/** What the server does with a mail: accepts it, refuses it for now or for good, drops the connection in the middle of it, or does not answer. */
type Behaviour = 'accept' | 'refuse for now' | 'refuse for good' | 'refuse the sender' | 'drop' | 'stall';

export interface Smtp {
  environment: { SMTP_URL: string; MAIL_FROM: string };
  /** What came whole and was accepted, in order. */
  mails: ParsedMail[];
  /** Deliveries that have no answer yet because the server stalls. */
  stalled(): number;
  behave(behaviour: Behaviour): void;
  /** The newest mail to the address that fits, once it came. */
  mailTo(address: string, subject?: RegExp): Promise<ParsedMail>;
  close(): Promise<void>;
}

/** A real SMTP server, parsing what it gets as a mail program does. */
export async function startSmtp(): Promise<Smtp> {
  let behaviour: Behaviour = 'accept';
  const stalled = new Set<() => void>();
  const refusal = (code: number) => Object.assign(new Error('not today'), { responseCode: code });
  const accept = async (stream: SMTPServerDataStream, done: (error?: Error | null) => void) => {
    if (behaviour === 'drop') return void [...connections].forEach((socket) => socket.destroy());
    const mail = await simpleParser(stream);
    if (behaviour === 'stall') return void stalled.add(() => done(refusal(421)));
    smtp.mails.push(mail);
    done();
  };
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 10,
    onMailFrom: (_address, _session, done) => done(behaviour === 'refuse the sender' ? refusal(550) : null),
    onRcptTo: (_address, _session, done) => {
      done(behaviour === 'refuse for now' ? refusal(451) : behaviour === 'refuse for good' ? refusal(550) : null);
    },
    onData: (stream, _session, done) => void accept(stream, done).catch(done),
  });
  server.on('error', () => undefined);
  const connections = new Set<Socket>();
  server.server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const smtp: Smtp = {
    environment: { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: 'Quotidian <quotidian@example.com>' },
    mails: [],
    stalled: () => stalled.size,
    behave(next) {
      behaviour = next;
      for (const end of stalled) end();
      stalled.clear();
    },
    mailTo: (address, subject = /./) =>
      eventually(() => {
        const found = smtp.mails.findLast(({ to, subject: line }) => recipientsOf(to).includes(address) && subject.test(line ?? ''));
        if (found === undefined) throw new Error(`no such mail to ${address}`);
        return found;
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return smtp;
}

function recipientsOf(to: ParsedMail['to']): string[] {
  return [to ?? []].flat().flatMap(({ value }) => value.map(({ address }) => address ?? ''));
}
