// The load balancer gives the page five seconds to prove that it is healthy, and the API takes two to find that its
// database does not answer.
const TIMEOUT_MS = 3000

/** Where the API is: for the server API_SSR_URL, for the browser API_BASE_URL (which the server tells it). */
export function useApi() {
  const browserUrl = useState('api-url', () => (import.meta.server ? process.env.API_BASE_URL : '') || '')
  const url = import.meta.server ? process.env.API_SSR_URL || browserUrl.value : browserUrl.value

  /** What GET /api/test says, or why it says nothing. */
  async function test(): Promise<string> {
    try {
      const response = await fetch(`${url.replace(/\/$/, '')}/api/test`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      // A proxy's error page is not what the API said.
      if (!response.headers.get('content-type')?.startsWith('text/plain'))
        return `API unreachable: HTTP status ${response.status}`
      return (await response.text()).trim()
    } catch (error) {
      return `API unreachable: ${reason(error)}`
    }
  }

  return { test }
}

// Node's fetch says only "fetch failed"; why, says its cause.
function reason(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  if (name === 'TimeoutError')
    return `no answer within ${TIMEOUT_MS / 1000} seconds`
  return cause?.code || cause?.message || message
}
