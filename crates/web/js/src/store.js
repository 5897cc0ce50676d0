// @ts-check
/**
 * What stays when the tab is closed: the key, leases, finished proofs. It is in IndexedDB; where the browser denies
 * that, in this tab's memory, and `lasting` says so.
 */

const STORES = /** @type {const} */ (['settings', 'leases', 'outbox', 'signers']);

/** @typedef {typeof STORES[number]} Name */

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('cairn', 1);
    request.onupgradeneeded = () => STORES.forEach((name) => request.result.createObjectStore(name));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('another tab with an older version of this page is open'));
  });
}

export class Store {
  /** @param {IDBDatabase | null} base */
  constructor(base) {
    this.base = base;
    /** @type {Record<string, Map<string, unknown>>} */
    this.memory = Object.fromEntries(STORES.map((name) => [name, new Map()]));
    /** Whether anything outlives the tab. */
    this.lasting = base !== null;
    // A newer page in another tab wants to change the form; it has what we would write.
    if (base) base.onversionchange = () => base.close();
  }

  static async open() {
    try {
      return new Store(await open());
    } catch {
      return new Store(null);
    }
  }

  /**
   * @param {Name} name
   * @param {string} key
   * @returns {Promise<any>}
   */
  async get(name, key) {
    if (!this.base) return this.memory[name].get(key);
    return settled(this.base.transaction(name).objectStore(name).get(key));
  }

  /**
   * @param {Name} name
   * @returns {Promise<any[]>}
   */
  async all(name) {
    if (!this.base) return [...this.memory[name].values()];
    return settled(this.base.transaction(name).objectStore(name).getAll());
  }

  /**
   * @param {Name} name
   * @param {(store: IDBObjectStore) => IDBRequest} change
   */
  async change(name, change) {
    if (!this.base) return;
    const transaction = this.base.transaction(name, 'readwrite', { durability: 'strict' });
    /** @type {Promise<void>} */
    const committed = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    change(transaction.objectStore(name));
    await committed;
  }

  /**
   * Resolves when the value is safe.
   * @param {Name} name
   * @param {string} key
   * @param {unknown} value
   */
  async put(name, key, value) {
    if (!this.base) this.memory[name].set(key, value);
    await this.change(name, (store) => store.put(value, key));
  }

  /**
   * Puts a value where none is. Returns the one that is there then: another tab may have been quicker.
   * @param {Name} name
   * @param {string} key
   * @param {unknown} value
   */
  async putFirst(name, key, value) {
    if (!this.base) {
      if (!this.memory[name].has(key)) this.memory[name].set(key, value);
      return this.memory[name].get(key);
    }
    await this.change(name, (store) => {
      const found = store.get(key);
      found.onsuccess = () => {
        if (found.result === undefined) store.put(value, key);
      };
      return found;
    });
    return this.get(name, key);
  }

  /**
   * @param {Name} name
   * @param {string} key
   */
  async delete(name, key) {
    this.memory[name].delete(key);
    await this.change(name, (store) => store.delete(key));
  }
}

/**
 * Whether a failure means that the browser gives this page no more room.
 * @param {unknown} error
 */
export const isFull = (error) => error instanceof DOMException && error.name === 'QuotaExceededError';
