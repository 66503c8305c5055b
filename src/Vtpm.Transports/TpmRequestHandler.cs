namespace Vtpm.Transports;

/// <summary>Answers one request. Called for one request at a time, always on the server's thread.</summary>
/// <param name="client">Who asks.</param>
/// <param name="request">One whole message: paramSize is its length, which is 10 to <see cref="TpmServerOptions.MaxRequestLength"/>.</param>
/// <param name="response">Takes the response; <see cref="TpmMessage.MaxLength"/> bytes.</param>
/// <returns>The length of the response, or <see cref="TpmServer.Deferred"/> where <see cref="TpmServerOptions.AnswerDeferred"/> is to give
/// it.</returns>
public delegate int TpmRequestHandler(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response);
