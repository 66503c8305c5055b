using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Ownership;

public struct TscPhysicalPresenceRequest : IWireStructure<TscPhysicalPresenceRequest>
{
    public TpmPhysicalPresence PhysicalPresence;

    public static void Describe<TCodec>(ref TCodec wire, ref TscPhysicalPresenceRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Enum(ref value.PhysicalPresence);
}

/// <summary><c>TSC_PhysicalPresence</c>, Part 3 §6.6: software says that somebody is present, or how that may be said from now on.</summary>
public sealed class TscPhysicalPresence()
    : TpmCommand<TscPhysicalPresenceRequest, NoParameters>(TpmOrdinal.TscPhysicalPresence, Sessions.None, Availability.Always, Duration.Short)
{
    private const TpmPhysicalPresence HwSettings = TpmPhysicalPresence.HwEnable | TpmPhysicalPresence.HwDisable;
    private const TpmPhysicalPresence CmdSettings = TpmPhysicalPresence.CmdEnable | TpmPhysicalPresence.CmdDisable;
    private const TpmPhysicalPresence LifetimeSettings = HwSettings | CmdSettings | TpmPhysicalPresence.LifetimeLock;
    private const TpmPhysicalPresence Assertions = TpmPhysicalPresence.Lock | TpmPhysicalPresence.Present | TpmPhysicalPresence.NotPresent;

    protected override TpmResult Execute(CommandContext tpm, in TscPhysicalPresenceRequest request, ref NoParameters response)
    {
        TpmPhysicalPresence settings = request.PhysicalPresence;
        if ((settings & LifetimeSettings) != 0) return SetLifetime(tpm, settings);
        return (settings & Assertions) != 0 ? Assert(tpm, settings) : BadParameter;
    }

    /// <summary>Action 2.</summary>
    private static TpmResult SetLifetime(CommandContext tpm, TpmPhysicalPresence settings)
    {
        TpmPermanentFlags flags = tpm.PermanentFlags;
        if (flags.PhysicalPresenceLifetimeLock || (settings & Assertions) != 0) return BadParameter;
        if (settings.HasFlag(HwSettings) || settings.HasFlag(CmdSettings)) return BadParameter;
        if ((settings & HwSettings) != 0) flags.PhysicalPresenceHwEnable = settings.HasFlag(TpmPhysicalPresence.HwEnable);
        if ((settings & CmdSettings) != 0) flags.PhysicalPresenceCmdEnable = settings.HasFlag(TpmPhysicalPresence.CmdEnable);
        flags.PhysicalPresenceLifetimeLock = settings.HasFlag(TpmPhysicalPresence.LifetimeLock);
        tpm.PermanentFlags = flags;
        return Success;
    }

    /// <summary>Action 3.</summary>
    private static TpmResult Assert(CommandContext tpm, TpmPhysicalPresence settings)
    {
        bool isPresent = settings.HasFlag(TpmPhysicalPresence.Present);
        bool isLock = settings.HasFlag(TpmPhysicalPresence.Lock);
        if (!tpm.PermanentFlags.PhysicalPresenceCmdEnable || tpm.StClearFlags.PhysicalPresenceLock) return BadParameter;
        if (isPresent && (isLock || settings.HasFlag(TpmPhysicalPresence.NotPresent))) return BadParameter;
        tpm.StClearFlags = tpm.StClearFlags with { PhysicalPresence = isPresent, PhysicalPresenceLock = isLock };
        return Success;
    }
}
