using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Part 3 §3 to §5 (startup, testing, opt-in), §7 (capabilities), §13 (random numbers), §23 (ticks).</content>
public sealed partial class TpmClient
{
    /// <summary><c>TPM_Startup</c>, Part 3 §3.2.</summary>
    public void Startup(TpmStartupType startupType)
    {
        TpmRequest request = Begin(TpmOrdinal.Startup);
        request.UInt16((ushort)startupType);
        Execute(request);
    }

    /// <summary><c>TPM_SaveState</c>, Part 3 §3.3.</summary>
    public void SaveState() => Execute(Begin(TpmOrdinal.SaveState));

    /// <summary><c>TPM_SelfTestFull</c>, Part 3 §4.1.</summary>
    public void SelfTestFull() => Execute(Begin(TpmOrdinal.SelfTestFull));

    /// <summary><c>TPM_ContinueSelfTest</c>, Part 3 §4.2.</summary>
    public void ContinueSelfTest() => Execute(Begin(TpmOrdinal.ContinueSelfTest));

    /// <summary><c>TSC_PhysicalPresence</c>, Part 3 §6.6.</summary>
    public void PhysicalPresence(TpmPhysicalPresence presence)
    {
        TpmRequest request = Begin(TpmOrdinal.TscPhysicalPresence);
        request.UInt16((ushort)presence);
        Execute(request);
    }

    /// <summary><c>TPM_PhysicalEnable</c>, Part 3 §5.4.</summary>
    public void PhysicalEnable() => Execute(Begin(TpmOrdinal.PhysicalEnable));

    /// <summary><c>TPM_PhysicalSetDeactivated</c>, Part 3 §5.6.</summary>
    public void PhysicalSetDeactivated(bool state)
    {
        TpmRequest request = Begin(TpmOrdinal.PhysicalSetDeactivated);
        request.Bool(state);
        Execute(request);
    }

    /// <summary><c>TPM_GetCapability</c>, Part 3 §7.1.</summary>
    public byte[] GetCapability(TpmCapability capArea, ReadOnlySpan<byte> subCap)
    {
        TpmRequest request = Begin(TpmOrdinal.GetCapability);
        request.UInt32((uint)capArea);
        request.Sized32(subCap);
        return Execute(request, Sized32);
    }

    /// <summary>A capability whose subcap is one number, answered with a structure.</summary>
    public T GetCapability<T>(TpmCapability capArea, uint subCap)
        where T : struct, IWireStructure<T>
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, subCap);
        return Parse<T>(GetCapability(capArea, bytes));
    }

    /// <summary>A property that is one number.</summary>
    public uint GetProperty(TpmCapabilityProperty property) => GetCapability<Number>(TpmCapability.Property, (uint)property).Value;

    /// <summary>TPM_CAP_VERSION_VAL.</summary>
    public TpmCapVersionInfo GetVersion() => Parse<TpmCapVersionInfo>(GetCapability(TpmCapability.VersionVal, []));

    /// <summary>TPM_CAP_HANDLE: the handles of what is loaded, or the counts of saved contexts.</summary>
    public uint[] GetHandles(TpmResourceType resourceType) => GetCapability<TpmKeyHandleList>(TpmCapability.Handle, (uint)resourceType).Handle;

    /// <summary><c>TPM_GetRandom</c>, Part 3 §13.6: as many bytes as the TPM gives at once, at most <paramref name="bytesRequested"/>.</summary>
    public byte[] GetRandom(int bytesRequested)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesRequested);
        TpmRequest request = Begin(TpmOrdinal.GetRandom);
        request.UInt32((uint)bytesRequested);
        byte[] bytes = Execute(request, Sized32);
        return bytes.Length <= bytesRequested ? bytes : throw new TpmProtocolException(TpmOrdinal.GetRandom, $"{bytes.Length} bytes of {bytesRequested}");
    }

    /// <summary><c>TPM_StirRandom</c>, Part 3 §13.7.</summary>
    public void StirRandom(ReadOnlySpan<byte> inData)
    {
        TpmRequest request = Begin(TpmOrdinal.StirRandom);
        request.Sized32(inData);
        Execute(request);
    }

    /// <summary><c>TPM_GetTicks</c>, Part 3 §23.1.</summary>
    public TpmCurrentTicks GetTicks() => ExecuteFor<TpmCurrentTicks>(Begin(TpmOrdinal.GetTicks));

    private static T Parse<T>(byte[] capability)
        where T : struct, IWireStructure<T> =>
        WireFormat.Read(capability, out T value) == TpmResult.Success
            ? value
            : throw new TpmProtocolException(TpmOrdinal.GetCapability, $"{capability.Length} bytes are no {typeof(T).Name}");

    private struct Number : IWireStructure<Number>
    {
        public uint Value;

        public static void Describe<TCodec>(ref TCodec wire, ref Number value)
            where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.Value);
    }
}
