using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>TPM 2.0 Part 3 §12, §24 and §28: objects and hierarchies.</content>
public sealed partial class Tpm2Client
{
    /// <summary><c>TPM2_CreatePrimary</c>, Part 3 §24.1, in the owner's hierarchy; the key is loaded, and the caller's to flush.</summary>
    /// <param name="template">What it is to be.</param>
    /// <param name="session">An HMAC session.</param>
    /// <param name="ownerAuth">The hierarchy's authorization.</param>
    /// <param name="userAuth">The key's own.</param>
    public Tpm2Key CreatePrimary(TpmtPublic template, Tpm2Session session, Tpm2AuthValue ownerAuth, Tpm2AuthValue userAuth)
    {
        ArgumentNullException.ThrowIfNull(userAuth);
        Tpm2Request request = Begin(TpmCc.CreatePrimary, Tpm2Entity.OfHandle(TpmRh.Owner));
        Sensitive(ref request, userAuth.Span, []);
        request.SizedStructure(template);
        request.Sized([]);                                          // outsideInfo
        request.Structure(new TpmlPcrSelection { PcrSelections = [] });
        (uint handle, TpmtPublic made, byte[] name) = Execute(
            request,
            static (uint handle, ref WireReader reader) =>
            {
                TpmtPublic outPublic = SizedStructure<TpmtPublic>(ref reader);
                Creation(ref reader);
                return (handle, outPublic, Sized(ref reader));
            },
            session, ownerAuth, Tpm2Encryption.Command, outHandle: true);
        return new Tpm2Key(new Tpm2Entity(handle, Checked(TpmCc.CreatePrimary, made, name)), made);
    }

    /// <summary><c>TPM2_Create</c>, Part 3 §12.1, of sealed data. They are encrypted on their way, and so is what comes back.</summary>
    /// <param name="parent">The storage key.</param>
    /// <param name="session">An HMAC session.</param>
    /// <param name="parentAuth">The storage key's authorization.</param>
    /// <param name="template">The public area of what is made.</param>
    /// <param name="data">What is sealed.</param>
    /// <param name="creationPcr">The PCRs whose digest the creation data tell.</param>
    public (byte[] Private, TpmtPublic Public, TpmsCreationData Creation) Create(
        Tpm2Key parent, Tpm2Session session, Tpm2AuthValue parentAuth, TpmtPublic template, ReadOnlySpan<byte> data, TpmlPcrSelection creationPcr)
    {
        ArgumentNullException.ThrowIfNull(parent);
        Tpm2Request request = Begin(TpmCc.Create, parent.Entity);
        Sensitive(ref request, [], data);
        request.SizedStructure(template);
        request.Sized([]);                                          // outsideInfo
        request.Structure(creationPcr);
        return Execute(
            request,
            static (uint _, ref WireReader reader) =>
            {
                byte[] outPrivate = Sized(ref reader);
                TpmtPublic outPublic = SizedStructure<TpmtPublic>(ref reader);
                return (outPrivate, outPublic, Creation(ref reader));
            },
            session, parentAuth, Tpm2Encryption.Command | Tpm2Encryption.Response);
    }

    /// <summary><c>TPM2_Load</c>, Part 3 §12.2; the object is the caller's to flush.</summary>
    public Tpm2Entity Load(Tpm2Key parent, Tpm2Session session, Tpm2AuthValue parentAuth, ReadOnlySpan<byte> inPrivate, TpmtPublic inPublic)
    {
        ArgumentNullException.ThrowIfNull(parent);
        Tpm2Request request = Begin(TpmCc.Load, parent.Entity);
        request.Sized(inPrivate);
        request.SizedStructure(inPublic);
        (uint handle, byte[] name) = Execute(
            request, static (uint handle, ref WireReader reader) => (handle, Sized(ref reader)), session, parentAuth, outHandle: true);
        return new Tpm2Entity(handle, Checked(TpmCc.Load, inPublic, name));
    }

    /// <summary><c>TPM2_Unseal</c>, Part 3 §12.7, by a policy. The data are encrypted on their way; the caller zeroes them.</summary>
    public byte[] Unseal(Tpm2Entity item, Tpm2Session policy) =>
        Execute(Begin(TpmCc.Unseal, item), Sized, policy, encryption: Tpm2Encryption.Response);

    /// <summary><c>TPM2_ReadPublic</c>, Part 3 §12.4; null when it is no object of a kind that <see cref="TpmtPublic"/> reads.</summary>
    public Tpm2Key? ReadPublic(uint handle)
    {
        (byte[] area, byte[] name) = Execute(Begin(TpmCc.ReadPublic, Tpm2Entity.OfHandle(handle)), static (uint _, ref WireReader reader) =>
        {
            byte[] outPublic = Sized(ref reader);
            byte[] outName = Sized(ref reader);
            Sized(ref reader);   // qualifiedName
            return (outPublic, outName);
        });
        return WireFormat.Read(area, out TpmtPublic key) == TpmResult.Success && key.NameAlg.Size() > 0
            ? new Tpm2Key(new Tpm2Entity(handle, Checked(TpmCc.ReadPublic, key, name)), key)
            : null;
    }

    /// <summary><c>TPM2_EvictControl</c>, Part 3 §28.5, by the owner: makes a loaded key persistent, or, with its own handle, ends that.</summary>
    public void EvictControl(Tpm2Session session, Tpm2AuthValue ownerAuth, Tpm2Entity key, uint persistentHandle)
    {
        Tpm2Request request = Begin(TpmCc.EvictControl, Tpm2Entity.OfHandle(TpmRh.Owner), key);
        request.UInt32(persistentHandle);
        Execute(request, session, ownerAuth);
    }

    /// <summary>TPM2B_SENSITIVE_CREATE: the new object's authorization, and what it is made of.</summary>
    private static void Sensitive(ref Tpm2Request request, ReadOnlySpan<byte> userAuth, ReadOnlySpan<byte> data)
    {
        request.UInt16((ushort)(2 * sizeof(ushort) + userAuth.Length + data.Length));
        request.Sized(userAuth);
        request.Sized(data);
    }

    /// <summary>creationData, creationHash and creationTicket.</summary>
    private static TpmsCreationData Creation(ref WireReader reader)
    {
        TpmsCreationData data = SizedStructure<TpmsCreationData>(ref reader);
        Sized(ref reader);
        Structure<TpmtTkCreation>(ref reader);
        return data;
    }

    /// <summary>A Name that is the public area's.</summary>
    private static byte[] Checked(TpmCc command, in TpmtPublic area, byte[] name)
    {
        if (area.NameAlg.Size() == 0 || !area.ToName().AsSpan().SequenceEqual(name))
            throw new Tpm2IntegrityException(command, "the Name is not that of the public area");
        return name;
    }
}
