/*
 * A graph of work and the walk over it: nodes run on several threads, each after all that it
 * depends on. All runs hold one lock, so that they may use what they share; whoever waits for
 * something outside lets go of it meanwhile. Size and time are linear in nodes and edges.
 */
#pragma once

#include <glib.h>

typedef struct Graph Graph;
typedef struct GraphNode GraphNode;

/* Runs with the graph's lock held. FALSE: failed; nodes that depend on it do not run. */
typedef gboolean (*GraphRun)(GraphNode *node, gpointer data);

Graph *graph_new(void);
void graph_free(Graph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Graph, graph_free)

/* Adds a node; run NULL: it only joins others. `name` (copied) is for messages about cycles. */
GraphNode *graph_add(Graph *graph, const char *name, GraphRun run, gpointer data);
/* `node` runs after `dependency`. Edges to itself and repeated ones are ignored. */
void graph_depend(GraphNode *node, GraphNode *dependency);
/* From within a run: more work, in parallel, that belongs to the node: the node is done only when
 * all of it is. */
void graph_spawn(GraphNode *node, GraphRun run, gpointer data);

/* The names of nodes that depend on each other in a circle, or NULL. Caller frees (g_strfreev). */
char **graph_cycle(Graph *graph);

/* Keeps the nodes chosen (and what they depend on, all the way); drops the others. */
void graph_choose(GraphNode *node);
void graph_keep_chosen(Graph *graph);

/* Runs everything on up to `parallelism` threads. Returns FALSE if a node failed or the walk was
 * stopped. The caller holds the lock; it is let go while waiting. */
gboolean graph_walk(Graph *graph, guint parallelism, GMutex *lock);
/* From any thread that holds the lock: nothing more begins. */
void graph_stop(Graph *graph);
/* Calls `found` for the data of each node with a run that `node` needs, near or far, once each. */
void graph_reach(GraphNode *node, void (*found)(gpointer node_data, gpointer data), gpointer data);
/* The same, but not beyond those: only the nearest on each way. */
void graph_reach_nearest(
	GraphNode *node, void (*found)(gpointer node_data, gpointer data), gpointer data);
/* What the runs share. */
void graph_set_data(Graph *graph, gpointer data);
gpointer graph_data(const Graph *graph);
Graph *graph_of(const GraphNode *node);
