// Nothing of the environment is baked in here: what API there is, is read when the server runs (app/composables/api.ts).
export default defineNuxtConfig({
  compatibilityDate: '2025-07-15',
  telemetry: false,
  devtools: { enabled: false },
  app: {
    head: {
      title: 'Fullstack sample',
      htmlAttrs: { lang: 'en' },
      meta: [{ name: 'viewport', content: 'width=device-width, initial-scale=1' }],
    },
  },
})
