#!/bin/sh
# What the container runs. Where the environment cannot change any more, the configuration is read from it once, into a
# file that nobody else can read. Where no file can be written (a read-only root without /tmp) it is read in every
# request.
if [ "$APP_ENV" != local ]; then
	(umask 077 && php /app/artisan config:cache --quiet) ||
		echo "The configuration could not be cached in $APP_CONFIG_CACHE; it works without." >&2
fi
exec php-fpm8.2 --nodaemonize --force-stderr --fpm-config /app/docker/php-fpm.conf
