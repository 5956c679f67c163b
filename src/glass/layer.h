/*
 * Unpacked layers: each layer of an image is unpacked once, inside the glass, into a folder that
 * all containers share as a lower layer of their overlay. Whiteouts become overlay's own.
 */
#pragma once

#include "glass/image.h"

/* From glass/glass.h. */
typedef struct Glass Glass;

typedef struct Layers Layers;

/* Borrows both for as long as it lives. What a killed process left half unpacked is removed. */
Layers *layers_new(Glass *glass, Blobs *blobs);
void layers_free(Layers *layers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layers, layers_free)

/* Sees to it that every layer of the image is unpacked; two requests for the same layer at a time
 * do the work once. `image` need only live for this call. */
void layers_unpack_async(
	Layers *layers, const Image *image, GAsyncReadyCallback callback, gpointer data);
/* The folders, as the glass sees them, top layer first (the order of overlay's lowerdir). Caller
 * frees with g_strfreev. */
char **layers_unpack_finish(Layers *layers, GAsyncResult *result, GError **error);

/* Removes unpacked layers whose digest is not in `referenced` (char* set; as image_references makes
 * it) and that no container stands on. Done in the background. */
void layers_gc(Layers *layers, GHashTable *referenced);
