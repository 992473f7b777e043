import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

const [A, AAAA] = [1, 28];
const HEADER_BYTES = 12;

/** A DNS server of the test's own, on UDP at 127.0.0.1. */
export interface DnsServer {
  /** As `WEBHOOK_DNS_SERVERS` takes it. */
  address: string;
  /** Names that were asked for, in order. */
  questions: string[];
  close(): Promise<void>;
}

/**
 * @param answer the addresses of a name, of both families; called for each question, so that it may answer otherwise each time. Null: there is
 *   no such name
 */
export async function startDnsServer(answer: (name: string, question: number) => readonly string[] | null): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  socket.on('message', (message, { address, port }) => {
    const { name, type, end } = questionIn(message);
    questions.push(name);
    const addresses = answer(name, questions.length);
    const records = (addresses ?? []).filter((text) => isIPv4(text) === (type === A)).map((text) => recordOf(type, text));
    const header = Buffer.from(message.subarray(0, HEADER_BYTES));
    header.writeUInt16BE(addresses === null ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([header, message.subarray(HEADER_BYTES, end), ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function questionIn(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at]; length > 0; length = message[at]) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** A record with no time to live: whoever asks again gets another answer. */
function recordOf(type: number, address: string): Buffer {
  const data = type === AAAA ? bytesOfV6(address) : Buffer.from(address.split('.').map(Number));
  const record = Buffer.alloc(HEADER_BYTES);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(0, 6);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}

function bytesOfV6(address: string): Buffer {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address;
  const [head, tail] = text.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = tail === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}
