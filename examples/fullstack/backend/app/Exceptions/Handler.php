<?php

namespace App\Exceptions;

use Illuminate\Foundation\Exceptions\Handler as ExceptionHandler;
use Illuminate\Http\Response;
use Symfony\Component\HttpKernel\Exception\HttpExceptionInterface;

class Handler extends ExceptionHandler
{
    /** There are no pages here: an error is its status in plain text. The reason is in the log. */
    protected function renderHttpException(HttpExceptionInterface $e): Response
    {
        $status = $e->getStatusCode();

        return new Response(
            (Response::$statusTexts[$status] ?? 'Error') . "\n",
            $status,
            ['Content-Type' => 'text/plain'] + $e->getHeaders(),
        );
    }
}
