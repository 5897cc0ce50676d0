/** What the modules tell each other. */

/** What the WebAssembly module calls; see `crates/web/src/glue.rs`. */
interface Cairn {
  checkpoint(): boolean;
  seconds(): number;
  progress(phase: string, fraction: number): void;
  panicked(text: string): void;
}

declare var cairn: Cairn | undefined;

/** How a visitor wants this tab to work. */
interface Wishes {
  cores: number;
  /** Share of each core, in percent. */
  cap: number;
  /** Bytes for all cores together. */
  memory: number;
  project: string | null;
}

/** What one core does. */
interface SlotState {
  doing: string;
  project: string;
  unit: string;
  phase: string;
  fraction: number;
}

/** What the page shows. */
interface State {
  slots: SlotState[];
  /** Why nothing is worked on, if nothing is. */
  waiting: string;
  paused: string[];
  outbox: number;
  delivered: number;
  steps: number;
  refused: number;
  credit: { units: number; steps: number } | null;
}

type ToCourier =
  | { kind: 'start'; key: string; wishes: Wishes }
  | { kind: 'wishes'; wishes: Wishes }
  | { kind: 'pause'; reason: string; on: boolean }
  | { kind: 'stop' };

type FromCourier =
  | { kind: 'state'; state: State }
  | { kind: 'says'; what: string; detail: string }
  | { kind: 'stopped' };

/** A lease as it is kept. */
interface Held {
  token: string;
  request: string;
  /** As `readLease` returned it. */
  lease: string;
  /** Milliseconds by this machine's clock. */
  since: number;
}

/** A finished proof. */
interface Entry {
  sha256: string;
  unit: string;
  token: string;
  project: string;
  steps: number;
  body: ArrayBuffer;
  since: number;
}

/** The parts of a lease that JavaScript looks at. */
interface Lease {
  token: string;
  now: number;
  expires_at: number;
  units: { id: string; estimated_steps: number }[];
  project: { name: string; program: string; signer: string; limits: { time_limit: number } };
}

interface Bounds {
  max_steps: number;
  max_memory: number;
  max_seconds: number;
}

type ToProver =
  | { kind: 'begin'; module: WebAssembly.Module; control: Int32Array | null }
  | {
      kind: 'work';
      lease: string;
      program: string;
      file: ArrayBuffer | null;
      unit: string;
      prover: string;
      bounds: Bounds;
    };

type FromProver =
  | { kind: 'ready' }
  | { kind: 'progress'; phase: string; fraction: number }
  | { kind: 'done'; body: ArrayBuffer; sha256: string; steps: number; seconds: number }
  | { kind: 'failed'; cause: string; detail: string }
  | { kind: 'trapped'; panic: string; detail: string };

interface BatteryManager extends EventTarget {
  charging: boolean;
  level: number;
}

interface Navigator {
  getBattery?: () => Promise<BatteryManager>;
  deviceMemory?: number;
}
