import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { type SmtpServer } from '../config/smtp-server';

export interface Envelope {
  from: string;
  to: string;
}

/** How long each part may take, in milliseconds. A server that answers a byte now and then is never silent, and still holds nobody for longer than `all`. */
const PATIENCE = { connect: 5_000, greeting: 10_000, silence: 15_000, all: 45_000 };

/** A refusal that no further try changes: the server refuses this recipient or this message. */
export class RefusedForGood extends Error {}

/**
 * Hands a message to the server over a connection of its own, which is closed whatever happens.
 * @throws RefusedForGood; Error for what may pass another time
 */
export async function deliverBySmtp(server: SmtpServer, envelope: Envelope, message: Buffer, stop: AbortSignal, patience = PATIENCE): Promise<void> {
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    secure: server.secure,
    requireTLS: server.startTls === 'required',
    ignoreTLS: server.startTls === 'never',
    tls: { rejectUnauthorized: server.verified },
    connectionTimeout: patience.connect,
    dnsTimeout: patience.connect,
    greetingTimeout: patience.greeting,
    socketTimeout: patience.silence,
  });
  const ends = new AbortController();
  const lost = new Promise<never>((_, reject) => {
    connection.on('error', reject);
    connection.on('end', () => reject(new Error('the server closed the connection')));
    AbortSignal.any([stop, AbortSignal.timeout(patience.all), ends.signal]).addEventListener('abort', () =>
      reject(new Error(`not done within ${patience.all / 1_000} s`)),
    );
  });
  // What comes after the outcome is nobody's.
  lost.catch(() => undefined);
  try {
    await Promise.race([converse(connection, server, envelope, message), lost]);
    connection.quit();
  } catch (error) {
    throw isForGood(error as SMTPConnection.SMTPError) ? new RefusedForGood((error as Error).message) : error;
  } finally {
    ends.abort();
    connection.close();
  }
}

async function converse(connection: SMTPConnection, server: SmtpServer, envelope: Envelope, message: Buffer): Promise<void> {
  await done((callback) => connection.connect(callback));
  const { credentials } = server;
  if (credentials !== null) await done((callback) => connection.login({ credentials }, callback));
  await done((callback) => connection.send(envelope, message, callback));
}

function done(act: (callback: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act((error) => (error ? reject(error) : resolve())));
}

/** 5xx to the recipient or the message. To the login or the sender it is the operator's to mend, and the mail waits for it. */
function isForGood({ responseCode, command }: SMTPConnection.SMTPError): boolean {
  return responseCode !== undefined && responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA');
}
