/** The stock. Amounts are whole numbers and never negative. */
export class Stock {
  #amounts;

  constructor(amounts) {
    this.#amounts = new Map(Object.entries(amounts));
  }

  all() {
    return Object.fromEntries(this.#amounts);
  }

  amount(sku) {
    return this.#amounts.get(sku);
  }

  /** Removes some from the stock. Returns false if there are too few. */
  take(sku, amount) {
    const there = this.#amounts.get(sku) ?? 0;
    if (!Number.isInteger(amount) || amount < 1) throw new RangeError(`${amount} is no amount`);
    if (there < amount) return false;
    this.#amounts.set(sku, there - amount);
    return true;
  }
}
