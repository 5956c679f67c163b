/*
 * Tells whoever listens how far an operation is, and what takes long: "Still creating...". The
 * engine's lock is let go while a provider works, so that others go on.
 */
#include "engine/internal.h"

#define STILL_S 10

void engine_tell(Engine *engine, EngineEventKind kind, const char *address, const char *detail,
	gint64 elapsed_s) {
	if (engine->options.progress)
		engine->options.progress(
			kind, address, detail, elapsed_s, engine->options.progress_data);
}

void engine_begin_running(Running *running, const char *address, const char *verb) {
	*running = (Running){.address = address, .verb = verb, .started = g_get_monotonic_time()};
	running->told = running->started;
}

void engine_let_go(Engine *engine, Running *running, const char *address, const char *verb) {
	engine_begin_running(running, address, verb);
	engine_let_go_on(engine, running);
}

void engine_let_go_on(Engine *engine, Running *running) {
	g_ptr_array_add(engine->running, running);
	g_mutex_unlock(&engine->lock);
}

void engine_come_back(Engine *engine, Running *running) {
	g_mutex_lock(&engine->lock);
	g_ptr_array_remove_fast(engine->running, running);
}

gint64 engine_running_s(const Running *running) {
	return (g_get_monotonic_time() - running->started) / G_USEC_PER_SEC;
}

/* ---- "Still creating..." ---- */

typedef struct {
	Engine *engine;
	gboolean ended;
	GCond cond;
} Ticker;

static gpointer tick(gpointer data) {
	Ticker *ticker = data;
	Engine *engine = ticker->engine;
	g_mutex_lock(&engine->lock);
	while (!ticker->ended) {
		gint64 now = g_get_monotonic_time();
		for (guint i = 0; i < engine->running->len; i++) {
			Running *running = engine->running->pdata[i];
			if (!running->verb || now - running->told < STILL_S * G_USEC_PER_SEC)
				continue;
			running->told = now;
			engine_tell(engine, EVENT_STILL, running->address, running->verb,
				engine_running_s(running));
		}
		g_cond_wait_until(&ticker->cond, &engine->lock, now + G_USEC_PER_SEC / 4);
	}
	g_mutex_unlock(&engine->lock);
	return NULL;
}

gboolean engine_walk_telling(Engine *engine, Graph *graph) {
	Ticker ticker = {.engine = engine};
	g_cond_init(&ticker.cond);
	GThread *thread = g_thread_new("still", tick, &ticker);
	gboolean fine = graph_walk(graph, engine->options.parallelism, &engine->lock);
	ticker.ended = TRUE;
	g_cond_signal(&ticker.cond);
	g_mutex_unlock(&engine->lock);
	g_thread_join(thread);
	g_mutex_lock(&engine->lock);
	g_cond_clear(&ticker.cond);
	return fine;
}
