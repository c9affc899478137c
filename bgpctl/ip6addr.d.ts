/** What of the package is used here; it brings no types. */
declare module 'ip6addr' {
  interface Address {
    kind(): 'ipv4' | 'ipv6';
    toString(options?: { readonly format?: 'auto' | 'v4' | 'v4-mapped' | 'v6' }): string;
  }
  interface Subnet {
    address(): Address;
    prefixLength(): number;
  }
  /** @throws on malformed text */
  function parse(text: string): Address;
  /** Clears host bits. @throws on malformed text */
  function createCIDR(text: string): Subnet;
  const ip6addr: { parse: typeof parse; createCIDR: typeof createCIDR };
  export = ip6addr;
}
