/** Disposes of things in the order given. @param {...({ dispose(): void })} things */
export function dispose(...things) {
  for (const thing of things) thing.dispose();
}
