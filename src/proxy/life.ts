/**
 * Where a call is in its life (ARCHITECTURE.md, The way of a call). `held`: it waits for a name or a connection,
 * its body stopped by stream credit. `sent`: its head has gone to an upstream. `responding`: the answer has
 * begun. `answered`: the whole answer is with the client's side. `done`: nothing more happens.
 */
export const life = { begun: 0, held: 1, sent: 2, responding: 3, answered: 4, done: 5 } as const;
