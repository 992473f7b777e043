/** What will happen, the earliest first: a binary heap. */
export class EventQueue {
  /** @type {{ at: number, lane: number, kind: string }[]} */
  heap = [];

  push(at, lane, kind) {
    const { heap } = this;
    let child = heap.push({ at, lane, kind }) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent].at <= heap[child].at) return;
      [heap[parent], heap[child]] = [heap[child], heap[parent]];
      child = parent;
    }
  }

  /** The earliest, if it is before `time`; null otherwise. */
  popBefore(time) {
    const { heap } = this;
    if (heap.length === 0 || heap[0].at > time) return null;
    const first = heap[0];
    const last = /** @type {typeof first} */ (heap.pop());
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      const child = left + 1 < heap.length && heap[left + 1].at < heap[left].at ? left + 1 : left;
      if (child >= heap.length || heap[parent].at <= heap[child].at) return first;
      [heap[parent], heap[child]] = [heap[child], heap[parent]];
      parent = child;
    }
  }
}
