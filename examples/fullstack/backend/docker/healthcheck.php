<?php

// Asks PHP-FPM for its ping page, as a FastCGI client would (https://fastcgi-archives.github.io/FastCGI_Specification.html).
// Ends with status 0 if a worker answered.

const TIMEOUT = 2; // seconds
const BEGIN_REQUEST = 1;
const PARAMS = 4;
const STDIN_STREAM = 5;
const RESPONDER = 1;

function record(int $type, string $content): string
{
    return pack('CCnnxx', 1, $type, 1, strlen($content)) . $content;
}

function parameters(array $pairs): string
{
    $content = '';
    foreach ($pairs as $name => $value) {
        $content .= chr(strlen($name)) . chr(strlen($value)) . $name . $value;
    }

    return $content;
}

$socket = @stream_socket_client('tcp://127.0.0.1:9000', $code, $reason, TIMEOUT);
if (!$socket) {
    fwrite(STDERR, "PHP-FPM: $reason\n");
    exit(1);
}
stream_set_timeout($socket, TIMEOUT);
fwrite($socket, record(BEGIN_REQUEST, pack('nCx5', RESPONDER, 0)));
fwrite($socket, record(PARAMS, parameters([
    'REQUEST_METHOD' => 'GET',
    'REQUEST_URI' => '/fpm-ping',
    'SCRIPT_NAME' => '/fpm-ping',
    'SCRIPT_FILENAME' => '/fpm-ping',
])));
fwrite($socket, record(PARAMS, '') . record(STDIN_STREAM, ''));
$answer = stream_get_contents($socket);
if (!str_contains((string) $answer, "\r\n\r\npong")) {
    fwrite(STDERR, "PHP-FPM does not answer its ping\n");
    exit(1);
}
