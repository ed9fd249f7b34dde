# Any Rack app; Rails has its own config.ru.
VERSION = File.read('version').strip

run lambda { |env|
  body = env['PATH_INFO'] == '/healthz' ? "ok\n" : env['rack.input'].read
  [200, { 'X-Version' => VERSION, 'Content-Type' => 'text/plain' }, [body]]
}
