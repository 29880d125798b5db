/**
 * Names on an engine for names of delivery.yaml: as they are where the engine takes them, else mapped,
 * and never two alike. `adapt` answers the nearest name that the engine takes.
 */
export function distinctNames(names: readonly string[], adapt: (name: string) => string): (name: string) => string {
  const taken = new Set<string>();
  const mapped = new Map<string, string>();
  const take = (name: string, wanted: string): void => {
    let free = wanted;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${wanted}-${number}`;
    taken.add(free.toLowerCase());
    mapped.set(name, free);
  };
  // Those that need no mapping keep their name, whatever others are mapped to.
  for (const name of names) if (adapt(name) === name && !taken.has(name.toLowerCase())) take(name, name);
  for (const name of names) if (!mapped.has(name)) take(name, adapt(name));
  return (name) => mapped.get(name) ?? adapt(name);
}
