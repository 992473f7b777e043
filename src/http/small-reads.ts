import { type Socket } from 'node:net';

/** As much as an ordinary request has; more of what was read is parsed in further pieces. */
const PIECE_BYTES = 2_048;
const HEADER_END = '\r\n\r\n';

/**
 * Has Node parse what it reads from the connection in small pieces, and none while what came before is `held`. Node parses
 * all that one read brought, and resumes what was paused after each request: 64 kB are thousands of requests, which are in
 * memory and in everybody's way before the first of them is answered.
 */
export function readInPieces(socket: Socket, isHeld: (socket: Socket) => boolean): void {
  const [parse, ...others] = socket.listeners('data') as ((chunk: Buffer) => void)[];
  if (parse === undefined || others.length > 0) return;
  const feed = (chunk: Buffer): void => {
    if (chunk.length <= PIECE_BYTES) return parse(chunk);
    for (let at = 0; at < chunk.length && !socket.destroyed;) {
      if (at > 0 && (socket.isPaused() || isHeld(socket))) {
        socket.pause();
        return void socket.unshift(chunk.subarray(at));
      }
      const end = endOfPiece(chunk, at);
      parse(chunk.subarray(at, end));
      at = end;
    }
  };
  socket.removeListener('data', parse);
  // From the first listener on, Node gives up reading past the socket's own stream.
  socket.on('data', feed);
}

/** Behind a header, if one ends soon: a request that has come in part must come whole within seconds. */
function endOfPiece(chunk: Buffer, at: number): number {
  const end = chunk.subarray(0, at + 2 * PIECE_BYTES).indexOf(HEADER_END, at + PIECE_BYTES);
  return end === -1 ? at + PIECE_BYTES : end + HEADER_END.length;
}
