/* The least that libmicrohttpd does: reads a request, answers "ok". What bench/api.py compares
 * with. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *body, size_t *body_size,
	void **state) {
	static int begun;
	if (!*state || *body_size) {
		*state = &begun;
		*body_size = 0;
		return MHD_YES;
	}
	struct MHD_Response *response =
		MHD_create_response_from_buffer(2, (void *)"ok", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return queued;
}

int main(int argc, char **argv) {
	if (argc != 2)
		return 1;
	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL,
			(uint16_t)atoi(argv[1]), NULL, NULL, answer, NULL, MHD_OPTION_END);
	if (!daemon)
		return 1;
	getchar();
	MHD_stop_daemon(daemon);
	return 0;
}
