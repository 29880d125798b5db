export async function supervise(_name: string, _home: string): Promise<void> {}
