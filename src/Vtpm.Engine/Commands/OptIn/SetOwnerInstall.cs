using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.OptIn;

public struct SetOwnerInstallRequest : IWireStructure<SetOwnerInstallRequest>
{
    public bool State;

    public static void Describe<TCodec>(ref TCodec wire, ref SetOwnerInstallRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Bool(ref value.State);
}

/// <summary><c>TPM_SetOwnerInstall</c>, Part 3 §5.1: whether an owner may be installed.</summary>
public sealed class SetOwnerInstall()
    : TpmCommand<SetOwnerInstallRequest, NoParameters>(
        TpmOrdinal.SetOwnerInstall, Sessions.None, Availability.NoOwner, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in SetOwnerInstallRequest request, ref NoParameters response)
    {
        if (tpm.HasOwner) return Success;
        if (!tpm.PhysicalPresence) return BadPresence;
        tpm.PermanentFlags = tpm.PermanentFlags with { Ownership = request.State };
        return Success;
    }
}
