using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A TPM 1.2 (TPM Main, level 2, revision 116) as a function of a state and a command.</summary>
/// <remarks>
/// <para><see cref="Execute"/> proposes: it changes nothing. The host persists the proposal when its <see cref="TpmState.Permanent"/> is another
/// object, takes it as the state of the next command, and only then lets the response leave.</para>
/// <para>Not for concurrent use: one command at a time, as on a chip.</para>
/// </remarks>
public sealed class Tpm12
{
    /// <summary>Bytes that a response may have.</summary>
    public const int MaxResponseSize = 4096;

    private readonly CommandPipeline _pipeline;

    public Tpm12(TpmPlatform platform)
    {
        Platform = platform;
        Commands = CommandTable.Create(platform.Profile, hasParent: platform.Parent is not null);
        _pipeline = new CommandPipeline(platform, Commands);
    }

    public TpmPlatform Platform { get; }

    public CommandTable Commands { get; }

    /// <summary>A new TPM as it leaves the factory: enabled, activated, no endorsement key, no owner.</summary>
    public PermanentState Manufacture() => new()
    {
        Flags = PermanentState.Defaults with { AllowMaintenance = Platform.Profile.MaintenanceCommands },
        Data = new PermanentData
        {
            TpmProof = NewSecret(TpmAuthData.Size),
            ContextKey = NewSecret(16),
            DelegateKey = NewSecret(16),
        },
    };

    /// <summary><c>TPM_Init</c>, Part 3 §3.1: power comes on; the TPM waits for TPM_Startup.</summary>
    public TpmState PowerOn(PermanentState permanent) => new() { Permanent = permanent, LockoutStart = Platform.Time.GetTimestamp() };

    /// <summary>Executes one command at a locality.</summary>
    /// <param name="state">The state committed last.</param>
    /// <param name="request">A whole command, as long as its own paramSize says; anything else is answered TPM_BAD_PARAM_SIZE.</param>
    /// <param name="locality">0 to 4, or a higher number of Xen's transport, which no locality selection matches.</param>
    /// <param name="response">Room for <see cref="MaxResponseSize"/> bytes.</param>
    /// <param name="responseLength">Bytes of the response.</param>
    /// <returns>The state proposed.</returns>
    public TpmState Execute(TpmState state, ReadOnlySpan<byte> request, int locality, Span<byte> response, out int responseLength)
    {
        try
        {
            // A response goes back through the page that the request came in: what does not fit is TPM_SIZE.
            return _pipeline.Execute(state, request, locality, response[..Math.Min(response.Length, Platform.Profile.InputBufferSize)], out responseLength);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A defect of ours. The proposal is dropped, and this instance goes into failure mode (Part 1 §9.2): it must not go on with what it
            // does not understand, and no guest may end the process.
            CommandFailed?.Invoke(exception);
            responseLength = CommandPipeline.WriteError(response, TpmResult.Fail);
            return state.InFailureMode(FailureCause.Defect);
        }
    }

    /// <summary>Told about every exception that a command threw: a defect worth a report.</summary>
    public event Action<Exception>? CommandFailed;

    private Secret NewSecret(int length)
    {
        Span<byte> bytes = stackalloc byte[length];
        Platform.Random.Fill(bytes);
        var secret = new Secret(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return secret;
    }
}
