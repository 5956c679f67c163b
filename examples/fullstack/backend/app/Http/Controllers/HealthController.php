<?php

namespace App\Http\Controllers;

use Illuminate\Http\Response;

/** What the load balancer asks: whether this task can answer. The database is not its business. */
class HealthController
{
    public function __invoke(): Response
    {
        return new Response("OK\n", 200, ['Content-Type' => 'text/plain']);
    }
}
