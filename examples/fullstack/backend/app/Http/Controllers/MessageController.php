<?php

namespace App\Http\Controllers;

use Illuminate\Database\ConnectionInterface;
use Illuminate\Database\QueryException;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

/**
 * The guest book. It works with and without the column `author`: tasks of this version and of the one before it share
 * the database while a deployment rolls (the README's "Migrations").
 */
class MessageController
{
    private const MOST = 20; // messages in an answer
    private const LONGEST = 500; // characters
    private const UNDEFINED_TABLE = '42P01';

    public function index(ConnectionInterface $connection): JsonResponse
    {
        return $this->whileTheTableIsThere(function () use ($connection) {
            $rows = $connection->table('messages')->orderByDesc('id')->limit(self::MOST)->get();

            return $this->answer(['messages' => $rows->map([$this, 'show'])]);
        });
    }

    public function store(Request $request, ConnectionInterface $connection): JsonResponse
    {
        $text = $request->input('text');
        $author = $request->input('author');
        if (!$this->isText($text) || ($author !== null && !$this->isText($author))) {
            return $this->answer(['error' => 'Give a text, and an author if you like: 1 to 500 characters each.'], 422);
        }

        return $this->whileTheTableIsThere(function () use ($connection, $text, $author) {
            $row = ['text' => $text, 'created_at' => now()];
            // Until the migration has run there is nowhere to put it. The question goes with the contract step.
            if ($author !== null && $connection->getSchemaBuilder()->hasColumn('messages', 'author')) {
                $row['author'] = $author;
            }
            $row['id'] = $connection->table('messages')->insertGetId($row);

            return $this->answer($this->show((object) $row), 201);
        });
    }

    public function show(object $row): array
    {
        return ['id' => $row->id, 'text' => $row->text, 'author' => $row->author ?? null];
    }

    private function isText(mixed $value): bool
    {
        return is_string($value) && trim($value) !== '' && mb_strlen($value) <= self::LONGEST;
    }

    /** Before the first migration there are no messages, and the rest of the API works. */
    private function whileTheTableIsThere(callable $answer): JsonResponse
    {
        try {
            return $answer();
        } catch (QueryException $e) {
            if ($e->getCode() !== self::UNDEFINED_TABLE) {
                throw $e;
            }

            return $this->answer(['error' => 'The database has no messages yet: its migrations have not run.'], 503);
        }
    }

    private function answer(array $content, int $status = 200): JsonResponse
    {
        return new JsonResponse($content, $status, ['Cache-Control' => 'no-store']);
    }
}
