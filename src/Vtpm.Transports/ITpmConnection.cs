namespace Vtpm.Transports;

/// <summary>A link to a TPM that carries one command at a time. Not for use by several threads at once.</summary>
public interface ITpmConnection : IDisposable
{
    /// <summary>Sends one whole request and waits for its whole response.</summary>
    /// <param name="request">A message whose paramSize is its length.</param>
    /// <param name="response">Takes the response; <see cref="TpmMessage.MaxLength"/> bytes hold any.</param>
    /// <returns>The length of the response, at least <see cref="TpmMessage.HeaderLength"/>.</returns>
    /// <exception cref="ArgumentException">The request is not one whole message.</exception>
    /// <exception cref="TpmTransportException">The link failed; nothing more can be sent over it.</exception>
    int Transmit(ReadOnlySpan<byte> request, Span<byte> response);
}
