/*
 * Descriptors that are made inside the glass and handed out: a child enters, makes one, and sends
 * it over a socket pair. So the region has sockets that live in a network namespace, without ever
 * being there.
 */
#include "glass/enter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void send_parcel(int channel, GlassParcel *parcel, int fd) {
	struct iovec part = {parcel, sizeof *parcel};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control.room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	if (sendmsg(channel, &message, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static int receive_parcel(int channel, GlassParcel *parcel) {
	struct iovec part = {parcel, sizeof *parcel};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control.room};
	gssize n;
	while ((n = recvmsg(channel, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n != (gssize)sizeof *parcel) {
		parcel->errno_value = ESRCH;
		g_strlcpy(parcel->what, "the glass", sizeof parcel->what);
		return -1;
	}
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int fd = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

int glass_hand_out(Glass *glass, const char *netns, GlassMake make, gpointer data,
	GlassParcel *parcel, GError **error) {
	int channel[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "socketpair: %s",
			g_strerror(errno));
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		g_autoptr(GError) problem = NULL;
		close(channel[0]);
		glass_leave_parent(glass);
		if (!glass_enter(glass, GLASS_ENTER_ALL, netns, &problem)) {
			parcel->errno_value = errno ? errno : EIO;
			g_strlcpy(parcel->what, problem->message, sizeof parcel->what);
			send_parcel(channel[1], parcel, -1);
			_exit(1);
		}
		pid_t inner = fork();
		if (inner == 0) {
			int fd = make(data, parcel);
			parcel->errno_value = fd < 0 ? errno : 0;
			send_parcel(channel[1], parcel, fd);
			_exit(0);
		}
		close(channel[1]);
		waitpid(inner, NULL, 0);
		_exit(0);
	}
	close(channel[1]);
	int fd = receive_parcel(channel[0], parcel);
	close(channel[0]);
	if (pid > 0)
		glass_reap(pid);
	if (fd < 0)
		g_set_error(error, GLASS_ERROR,
			parcel->errno_value == ESRCH ? GLASS_ERROR_DEAD : GLASS_ERROR_FAILED,
			"%s: %s", parcel->what, g_strerror(parcel->errno_value));
	return fd;
}

typedef struct {
	int type;
	gboolean connect;
	struct sockaddr_in address;
} SocketRequest;

static int make_socket(gpointer data, GlassParcel *parcel) {
	SocketRequest *request = data;
	const struct sockaddr *address = (const struct sockaddr *)&request->address;
	int fd = socket(AF_INET, request->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	if (fd < 0)
		return -1;
	if (request->connect)
		return connect(fd, address, sizeof request->address) == 0 || errno == EINPROGRESS
			       ? fd
			       : -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, address, sizeof request->address) < 0)
		return -1;
	return request->type != SOCK_STREAM || listen(fd, SOMAXCONN) == 0 ? fd : -1;
}

static int open_socket(Glass *glass, const char *netns, gboolean connect, int type,
	const char *address, guint16 port, GError **error) {
	SocketRequest request = {.type = type, .connect = connect};
	request.address.sin_family = AF_INET;
	request.address.sin_port = htons(port);
	if (inet_pton(AF_INET, address, &request.address.sin_addr) != 1) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s is not an IPv4 address",
			address);
		return -1;
	}
	GlassParcel parcel = {0};
	g_snprintf(parcel.what, sizeof parcel.what, "%s:%u in %s", address, port,
		netns ? netns : "the glass");
	return glass_hand_out(glass, netns, make_socket, &request, &parcel, error);
}

int glass_listen(Glass *glass, const char *netns, int type, const char *address, guint16 port,
	GError **error) {
	return open_socket(glass, netns, FALSE, type, address, port, error);
}

int glass_connect(Glass *glass, const char *netns, int type, const char *address, guint16 port,
	GError **error) {
	return open_socket(glass, netns, TRUE, type, address, port, error);
}
