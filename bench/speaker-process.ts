export interface SpeakerProcessSetup {
  readonly thread: 'main' | 'worker';
  readonly address: string;
  readonly asn: number;
  readonly peers: readonly { readonly address: string; readonly asn: number }[];
}

export type SpeakerProcessCommand =
  | { readonly kind: 'count-routes' }
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile'; readonly file: string };

export interface SpeakerProcessAnswer {
  /** For `count-routes`: accepted from all peers. */
  readonly routes: number | undefined;
}
