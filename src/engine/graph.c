/* Graphs of work: see graph.h. Knows nothing of what the work is. */
#include "engine/graph.h"

struct GraphNode {
	Graph *graph;
	char *name;
	GraphRun run;
	gpointer data;
	GPtrArray *dependencies, *dependents; /* of GraphNode* */
	GHashTable *known; /* dependencies as a set, once there are many */
	guint waiting; /* dependencies that are not done yet */
	guint running; /* its own run and what it spawned */
	guint mark; /* colour of searches */
	gboolean chosen, failed, skipped;
};

struct Graph {
	GPtrArray *nodes;
	GThreadPool *pool;
	GMutex *lock;
	GCond done;
	gpointer data; /* graph_set_data */
	guint left; /* nodes that are not done */
	gboolean failed, stopped;
};

typedef struct {
	GraphNode *node;
	GraphRun run;
	gpointer data;
} Task;

/* ---- building ---- */

static void node_free(gpointer data) {
	GraphNode *node = data;
	g_free(node->name);
	g_ptr_array_unref(node->dependencies);
	g_ptr_array_unref(node->dependents);
	g_clear_pointer(&node->known, g_hash_table_unref);
	g_free(node);
}

Graph *graph_new(void) {
	Graph *graph = g_new0(Graph, 1);
	graph->nodes = g_ptr_array_new_with_free_func(node_free);
	g_cond_init(&graph->done);
	return graph;
}

void graph_free(Graph *graph) {
	if (!graph)
		return;
	g_ptr_array_unref(graph->nodes);
	g_cond_clear(&graph->done);
	g_free(graph);
}

GraphNode *graph_add(Graph *graph, const char *name, GraphRun run, gpointer data) {
	GraphNode *node = g_new0(GraphNode, 1);
	node->graph = graph;
	node->name = g_strdup(name);
	node->run = run;
	node->data = data;
	node->dependencies = g_ptr_array_new();
	node->dependents = g_ptr_array_new();
	g_ptr_array_add(graph->nodes, node);
	return node;
}

/* Whether the edge is new; a set is kept only for nodes with many edges. */
static gboolean is_new_edge(GraphNode *node, GraphNode *dependency) {
	if (!node->known && node->dependencies->len < 16)
		return !g_ptr_array_find(node->dependencies, dependency, NULL);
	if (!node->known) {
		node->known = g_hash_table_new(NULL, NULL);
		for (guint i = 0; i < node->dependencies->len; i++)
			g_hash_table_add(node->known, node->dependencies->pdata[i]);
	}
	return g_hash_table_add(node->known, dependency);
}

void graph_depend(GraphNode *node, GraphNode *dependency) {
	if (node == dependency || !is_new_edge(node, dependency))
		return;
	g_ptr_array_add(node->dependencies, dependency);
	g_ptr_array_add(dependency->dependents, node);
}

/* ---- searching ---- */

enum { WHITE, ON_PATH, FINISHED };

/* Depth first, with a path of its own so that deep graphs need no deep stack. */
static char **search_from(GraphNode *start) {
	g_autoptr(GPtrArray) path = g_ptr_array_new();
	g_autoptr(GArray) next = g_array_new(FALSE, FALSE, sizeof(guint));
	guint zero = 0;
	g_ptr_array_add(path, start);
	g_array_append_val(next, zero);
	start->mark = ON_PATH;
	while (path->len > 0) {
		GraphNode *node = path->pdata[path->len - 1];
		guint *at = &g_array_index(next, guint, next->len - 1);
		if (*at == node->dependencies->len) {
			node->mark = FINISHED;
			g_ptr_array_set_size(path, (gint)path->len - 1);
			g_array_set_size(next, next->len - 1);
			continue;
		}
		GraphNode *below = node->dependencies->pdata[(*at)++];
		if (below->mark == ON_PATH) {
			g_autoptr(GStrvBuilder) names = g_strv_builder_new();
			guint from = 0;
			g_ptr_array_find(path, below, &from);
			for (; from < path->len; from++)
				g_strv_builder_add(names, ((GraphNode *)path->pdata[from])->name);
			return g_strv_builder_end(names);
		}
		if (below->mark == WHITE) {
			below->mark = ON_PATH;
			g_ptr_array_add(path, below);
			g_array_append_val(next, zero);
		}
	}
	return NULL;
}

char **graph_cycle(Graph *graph) {
	for (guint i = 0; i < graph->nodes->len; i++)
		((GraphNode *)graph->nodes->pdata[i])->mark = WHITE;
	for (guint i = 0; i < graph->nodes->len; i++) {
		GraphNode *node = graph->nodes->pdata[i];
		char **cycle = node->mark == WHITE ? search_from(node) : NULL;
		if (cycle)
			return cycle;
	}
	return NULL;
}

void graph_choose(GraphNode *node) {
	g_autoptr(GPtrArray) todo = g_ptr_array_new();
	g_ptr_array_add(todo, node);
	while (todo->len > 0) {
		GraphNode *next = g_ptr_array_steal_index(todo, todo->len - 1);
		if (next->chosen)
			continue;
		next->chosen = TRUE;
		for (guint i = 0; i < next->dependencies->len; i++)
			g_ptr_array_add(todo, next->dependencies->pdata[i]);
	}
}

void graph_keep_chosen(Graph *graph) {
	for (guint i = 0; i < graph->nodes->len; i++) {
		GraphNode *node = graph->nodes->pdata[i];
		if (!node->chosen)
			node->run = NULL;
	}
}

static void reach(GraphNode *node, gboolean nearest,
	void (*found)(gpointer node_data, gpointer data), gpointer data) {
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(GPtrArray) stack = g_ptr_array_new();
	g_ptr_array_add(stack, node);
	while (stack->len > 0) {
		GraphNode *next = g_ptr_array_steal_index_fast(stack, stack->len - 1);
		for (guint i = 0; i < next->dependencies->len; i++) {
			GraphNode *below = next->dependencies->pdata[i];
			if (!g_hash_table_add(seen, below))
				continue;
			if (below->run)
				found(below->data, data);
			if (!nearest || !below->run)
				g_ptr_array_add(stack, below);
		}
	}
}

void graph_reach(GraphNode *node, void (*found)(gpointer node_data, gpointer data), gpointer data) {
	reach(node, FALSE, found, data);
}

void graph_reach_nearest(
	GraphNode *node, void (*found)(gpointer node_data, gpointer data), gpointer data) {
	reach(node, TRUE, found, data);
}

void graph_set_data(Graph *graph, gpointer data) {
	graph->data = data;
}

gpointer graph_data(const Graph *graph) {
	return graph->data;
}

Graph *graph_of(const GraphNode *node) {
	return node->graph;
}

/* ---- walking ---- */

static void start(GraphNode *node);

/* Tells those who wait for `node` that it is done; whatever becomes ready starts. Nodes without
 * work are done at once, in a loop rather than by recursion. */
static void finish(GraphNode *first) {
	g_autoptr(GPtrArray) finished = g_ptr_array_new();
	g_ptr_array_add(finished, first);
	while (finished->len > 0) {
		GraphNode *node = g_ptr_array_steal_index(finished, finished->len - 1);
		Graph *graph = node->graph;
		graph->left--;
		graph->failed = graph->failed || node->failed;
		for (guint i = 0; i < node->dependents->len; i++) {
			GraphNode *dependent = node->dependents->pdata[i];
			if (node->failed || node->skipped)
				dependent->skipped = TRUE;
			if (--dependent->waiting > 0)
				continue;
			if (dependent->skipped || graph->stopped || !dependent->run) {
				dependent->skipped = dependent->skipped || graph->stopped;
				g_ptr_array_add(finished, dependent);
			} else
				start(dependent);
		}
		if (graph->left == 0)
			g_cond_signal(&graph->done);
	}
}

static void work(gpointer data, gpointer user_data) {
	g_autofree Task *task = data;
	GraphNode *node = task->node;
	Graph *graph = node->graph;
	g_mutex_lock(graph->lock);
	if (graph->stopped)
		node->skipped = TRUE;
	else if (!task->run(node, task->data))
		node->failed = TRUE;
	if (--node->running == 0)
		finish(node);
	g_mutex_unlock(graph->lock);
}

static void push(GraphNode *node, GraphRun run, gpointer data) {
	Task *task = g_new(Task, 1);
	*task = (Task){node, run, data};
	node->running++;
	g_thread_pool_push(node->graph->pool, task, NULL);
}

static void start(GraphNode *node) {
	push(node, node->run, node->data);
}

void graph_spawn(GraphNode *node, GraphRun run, gpointer data) {
	push(node, run, data);
}

/* An extra node that comes before all others, so that those without dependencies start like the
 * rest. */
static void begin(Graph *graph) {
	GraphNode *root = graph_add(graph, "root", NULL, NULL);
	for (guint i = 0; i + 1 < graph->nodes->len; i++) {
		GraphNode *node = graph->nodes->pdata[i];
		if (node->dependencies->len == 0)
			graph_depend(node, root);
		node->waiting = node->dependencies->len;
	}
	graph->left = graph->nodes->len;
	finish(root);
}

gboolean graph_walk(Graph *graph, guint parallelism, GMutex *lock) {
	graph->lock = lock;
	/* Plans and applies walk several graphs: their threads stay for the next, rather than end
	 * just while the process does. */
	g_thread_pool_set_max_unused_threads(-1);
	graph->pool = g_thread_pool_new(work, NULL, (gint)MAX(parallelism, 1), FALSE, NULL);
	begin(graph);
	while (graph->left > 0)
		g_cond_wait(&graph->done, lock);
	g_mutex_unlock(lock);
	g_thread_pool_free(graph->pool, FALSE, TRUE);
	g_mutex_lock(lock);
	return !graph->failed && !graph->stopped;
}

void graph_stop(Graph *graph) {
	graph->stopped = TRUE;
}
