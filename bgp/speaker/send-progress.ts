/**
 * Whether what a session writes gets out (RFC 9687): the kernel has taken octets since last asked, or there are none left for it to
 * take. A peer that reads nothing fills its own buffers and ours, and only then is this false.
 */
export class SendProgress {
  #written = 0;
  #sent = 0;

  wrote(octets: number): void {
    this.#written += octets;
  }

  /** @param unsent octets that wait for the kernel */
  moves(unsent: number): boolean {
    const sent = this.#written - unsent;
    const moved = unsent === 0 || sent > this.#sent;
    this.#sent = sent;
    return moved;
  }
}
