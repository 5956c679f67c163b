#!/bin/sh
set -e
sed "s/@BACKEND_URL@/${BACKEND_URL:?must name the host of PHP-FPM}/" /etc/nginx/nginx.conf.template >/tmp/nginx.conf
exec nginx -c /tmp/nginx.conf
