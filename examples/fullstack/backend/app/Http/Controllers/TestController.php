<?php

namespace App\Http\Controllers;

use Illuminate\Database\ConnectionInterface;
use Illuminate\Http\Response;
use Psr\Log\LoggerInterface;
use Throwable;

/** Whether the database can be reached. */
class TestController
{
    /** What a driver's message may be told as: the message itself names the host, the user and the database. */
    private const REASONS = [
        'Connection refused' => 'connection refused',
        'timeout expired' => 'no answer',
        'Connection timed out' => 'no answer',
        'No route to host' => 'no route to its host',
        'could not translate host name' => 'unknown host name',
        'password authentication failed' => 'wrong user name or password',
        'no pg_hba.conf entry' => 'not allowed from here',
        'starting up' => 'it is starting up',
        'shutting down' => 'it is shutting down',
        'does not exist' => 'no such database',
        'could not find driver' => 'no driver for it',
    ];

    public function __invoke(ConnectionInterface $connection, LoggerInterface $log): Response
    {
        try {
            $connection->getPdo();

            return $this->answer('DB connected', 200);
        } catch (Throwable $e) {
            $log->error('The database cannot be reached', ['exception' => $e]);

            return $this->answer('DB disconnected: ' . $this->reason($e), 503);
        }
    }

    private function reason(Throwable $e): string
    {
        foreach (self::REASONS as $part => $reason) {
            if (str_contains($e->getMessage(), $part)) {
                return $reason;
            }
        }

        return 'error ' . $e->getCode();
    }

    private function answer(string $text, int $status): Response
    {
        return new Response($text . "\n", $status, ['Content-Type' => 'text/plain', 'Cache-Control' => 'no-store']);
    }
}
