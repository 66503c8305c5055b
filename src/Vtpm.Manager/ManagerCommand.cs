using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>What a command works on.</summary>
internal readonly record struct ManagerContext(ManagerService Manager, ManagerLink Link)
{
    public ManagerImage Image => Manager.Image;

    public IHardwareTpm Hardware => Manager.Hardware;

    public ManagerLog Log => Manager.LogOf(Link);

    /// <summary>The group that a management command names.</summary>
    public TpmResult FindGroup(uint index, out ManagerGroup group)
    {
        group = index < Image.Groups.Count ? Image.Groups[(int)index] : null!;
        if (group is null) return TpmResult.BadIndex;
        return group.IsOpen ? TpmResult.Success : TpmResult.AuthFail;
    }

    /// <summary>The group that a command names which needs no keys of it; null when there is none.</summary>
    public ManagerGroup? FindAnyGroup(uint index) => index < Image.Groups.Count ? Image.Groups[(int)index] : null;

    /// <summary>What administrators may ask of the hardware; null, and a line in the log, when it is no TPM 1.2.</summary>
    public IHardwareAdministration? Administration
    {
        get
        {
            if (Hardware is IHardwareAdministration administration) return administration;
            Log.Error("the hardware is a TPM 2.0, which has no such command");
            return null;
        }
    }

    /// <summary>Whether that is an area of the hardware which the image keeps its own in; the attribute bit D does not make it another one.</summary>
    public bool IsOwnArea(uint nvIndex) => Image.NvramSlot != 0 && ((nvIndex ^ Image.NvramSlot) & ~TpmNvIndex.D) == 0;

    /// <summary>Whether the hardware TPM can speak for the group by an identity key; if not, the log says why.</summary>
    public bool CanSpeakFor(ManagerGroup group, string what)
    {
        if (Hardware.MakesIdentities && group.HasIdentity()) return true;
        Log.Error(Hardware.MakesIdentities
            ? $"{what}: group {group.Index} has no identity key (group-add makes one, or group-identity)"
            : $"{what}: the hardware is a TPM 2.0, which has no identity keys and quotes of TPM 1.2: deep quotes need a TPM 1.2");
        return false;
    }
}

/// <summary>One command of the manager.</summary>
internal abstract class ManagerCommand(VtpmManagerOrdinal ordinal)
{
    public VtpmManagerOrdinal Ordinal { get; } = ordinal;

    /// <summary>
    /// The command only changes the image, and answers without content: it is saved when it has succeeded, together with others of its kind
    /// (<see cref="SharedSave"/>), and is not to save itself.
    /// </summary>
    public virtual bool SharesSave => false;

    /// <summary>Executes the command; parameters that do not read are TPM_BAD_PARAMETER, as the original has it.</summary>
    public abstract TpmResult Execute(in ManagerContext context, ReadOnlySpan<byte> parameters, Span<byte> body, out int length);
}

/// <summary>A command whose parameters and response are structures.</summary>
internal abstract class ManagerCommand<TRequest, TResponse>(VtpmManagerOrdinal ordinal) : ManagerCommand(ordinal)
    where TRequest : struct, IWireStructure<TRequest>
    where TResponse : struct, IWireStructure<TResponse>
{
    public sealed override TpmResult Execute(in ManagerContext context, ReadOnlySpan<byte> parameters, Span<byte> body, out int length)
    {
        length = 0;
        if (WireFormat.Read(parameters, out TRequest request) != TpmResult.Success) return TpmResult.BadParameter;
        TResponse response = default;
        try
        {
            TpmResult result = Execute(context, request, ref response);
            if (result != TpmResult.Success) return result;
            var writer = new WireWriter(body);
            writer.Structure(ref response);
            length = writer.Length;
            return writer.Result;
        }
        finally
        {
            Forget(response);
        }
    }

    protected abstract TpmResult Execute(in ManagerContext manager, in TRequest request, ref TResponse response);

    /// <summary>Zeroes what is secret in a response, once it is written.</summary>
    protected virtual void Forget(in TResponse response)
    {
        // Most have nothing that is.
    }
}

/// <summary>Nothing on the wire.</summary>
internal struct NoParameters : IWireStructure<NoParameters>
{
    public static void Describe<TCodec>(ref TCodec wire, ref NoParameters value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        // There is nothing to describe.
    }
}
