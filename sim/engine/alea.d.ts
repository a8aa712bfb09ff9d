// @types/seedrandom describes only the package's main entry, which gathers entropy when loaded; we use one generator alone.
declare module 'seedrandom/lib/alea.js' {
  interface AleaState {
    c: number;
    s0: number;
    s1: number;
    s2: number;
  }
  const alea: (seed: string, options: { state: true | AleaState }) => { double(): number; state(): AleaState };
  export default alea;
}
