using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>
/// What guests send, whatever carries it, in the order of Xen's vtpm-stubdom: is the client allowed this locality; is the request for the manager; does
/// the vTPM have such a command; and only then is it executed.
/// </summary>
public sealed class GuestRequests(VirtualTpm vtpm, VtpmArguments arguments, Action<string> log)
{
    /// <summary>Answers one request.</summary>
    /// <param name="client">The client, for people.</param>
    /// <param name="label">The client's label: what the locality= arguments name.</param>
    /// <param name="locality">The locality that it sends at: 0 to 255.</param>
    /// <param name="request">A whole request.</param>
    /// <param name="response">Room for any response.</param>
    /// <returns>Bytes of the response. Errors of ours have the tag of a TPM's, whatever the request's tag is.</returns>
    public int Execute(string client, string label, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        int length = arguments.Localities.Allows(label, locality)
            ? vtpm.Execute(request, locality, response)
            : TpmMessage.WriteFailure(TpmResult.Fail, response);
        if (arguments.LogLevel == VtpmLogLevel.Debug)
            log($"{client}: TPM_{TpmMessage.ReadOrdinal(request)} at locality {locality} was answered TPM_{TpmMessage.ReadResult(response)}");

        return length;
    }
}
