// A fault that did not come about: the call that was to fail was not made this time, or nobody was there to be killed.

/** Thrown by a case after its checks. Nothing was tried by it; whatever broke all the same is thrown instead. */
export class Missed extends Error {}

/** A command takes another path now and then, and its moment comes when it is done anew. */
export const ATTEMPTS = 2;
