using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A command of Part 3, as the pipeline sees it.</summary>
public abstract class TpmCommand
{
    private protected TpmCommand(CommandTraits traits) => Traits = traits;

    public CommandTraits Traits { get; }

    /// <summary>
    /// How many of the numbers at the start of the request's parameters are handles of keys: a logged transport session logs those keys (Part 3 §24.2
    /// action 10).
    /// </summary>
    internal virtual int KeyHandles(ReadOnlySpan<byte> parameters) => Traits.InHandles;

    /// <summary>Reads the request (handles and parameters, without the authorization blocks), executes, and writes the response's.</summary>
    internal abstract TpmResult Run(CommandContext tpm, ReadOnlySpan<byte> request, ref WireWriter response);
}

/// <summary>
/// A command with a request and a response. What it declares is its row in Part 2 §17; what it executes is its action list in Part 3. Everything
/// that commands share (framing, availability, digests, nonces, HMACs) belongs to the pipeline.
/// </summary>
public abstract class TpmCommand<TRequest, TResponse>(
    TpmOrdinal ordinal,
    Sessions sessions,
    Availability availability,
    Duration duration,
    Audit audit = Audit.No,
    int inHandles = 0,
    int outHandles = 0,
    bool keepsSha1Thread = false,
    bool secretRequest = false,
    TransportRole transport = TransportRole.Wrapped,
    int bareIn = -1,
    int bareOut = -1)
    : TpmCommand(new CommandTraits
    {
        Ordinal = ordinal,
        Sessions = sessions,
        Availability = availability,
        Duration = duration,
        Audit = audit,
        InHandles = inHandles,
        OutHandles = outHandles,
        KeepsSha1Thread = keepsSha1Thread,
        SecretRequest = secretRequest,
        Transport = transport,
        BareIn = bareIn,
        BareOut = bareOut,
    })
    where TRequest : struct, IWireStructure<TRequest>
    where TResponse : struct, IWireStructure<TResponse>
{
    /// <summary>The action list. On any result but TPM_SUCCESS the state proposed is dropped.</summary>
    protected abstract TpmResult Execute(CommandContext tpm, in TRequest request, ref TResponse response);

    internal sealed override TpmResult Run(CommandContext tpm, ReadOnlySpan<byte> request, ref WireWriter response)
    {
        TpmResult result = WireFormat.Read(request, out TRequest typed, Traits.SecretRequest ? tpm.Scratch : null);
        if (result != TpmResult.Success) return result;
        TResponse answer = default;
        result = Execute(tpm, typed, ref answer);
        if (result != TpmResult.Success) return result;
        TResponse.Describe(ref response, ref answer);
        return response.Result;
    }
}

/// <summary>A request or a response without parameters.</summary>
public struct NoParameters : IWireStructure<NoParameters>
{
    public static void Describe<TCodec>(ref TCodec wire, ref NoParameters value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        // no fields
    }
}

public static class TpmResultExtensions
{
    /// <summary>True for any result but TPM_SUCCESS: <c>if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;</c></summary>
    public static bool Failed(this TpmResult result, out TpmResult error)
    {
        error = result;
        return result != TpmResult.Success;
    }
}
