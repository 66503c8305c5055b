using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Manager;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// Requests to a manager, by an administrator and three vTPMs, on a TPM in memory: each is a byte of what and by whom, then two of the ordinal, one of the
/// length, and the parameters. Every answer is a message, and a manager that ends and starts again has what was acknowledged.
/// </summary>
public sealed class ManagerTarget : IFuzzTarget
{
    private const int LinkCount = 4;
    private const int MostSteps = 40;

    private static readonly Guid[] Vtpms = [.. Enumerable.Range(1, LinkCount - 1).Select(i => new Guid(i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))];

    private readonly Lazy<Prepared> _prepared = new(Prepare);

    private enum StepKind
    {
        Vtpm,
        Management,
        Hardware,
        Reconnect,
        Restart,
        SignedUpdate,
        Raw,
        Shared,
    }

    public string Name => "manager";

    public void Run(ReadOnlySpan<byte> input)
    {
        Prepared start = _prepared.Value;
        start.Tpm.State = start.State;
        byte[] image = (byte[])start.Image.Clone();
        VtpmManager manager = Start(start.Tpm, image);
        ManagerLink[] links = NewLinks();
        try
        {
            for (int step = 0; step < MostSteps && input.Length >= 4; step++)
            {
                var kind = (StepKind)(input[0] >> 4 & 7);
                int link = input[0] % LinkCount;
                ushort ordinal = BinaryPrimitives.ReadUInt16BigEndian(input[1..]);
                ReadOnlySpan<byte> body = input.Slice(4, Math.Min(input[3], input.Length - 4));
                input = input[(4 + body.Length)..];
                if (kind == StepKind.Restart)
                {
                    manager = Restart(manager, start.Tpm, image);
                    links = NewLinks();
                }
                else if (kind == StepKind.Reconnect)
                {
                    manager.Service.Close(links[link]);
                    links[link] = NewLinks()[link];
                }
                else
                {
                    Send(manager.Service, links, link, kind == StepKind.Shared, Request(kind, ordinal, body, start.Key, manager.Service.Image));
                }
            }

            manager = Restart(manager, start.Tpm, image);
        }
        finally
        {
            manager.Dispose();
        }
    }

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        static byte[] Step(StepKind kind, int link, int ordinal, params byte[] body) => [(byte)((int)kind << 4 | link), (byte)(ordinal >> 8), (byte)ordinal, (byte)body.Length, .. body];
        byte[] group1 = [0, 0, 0, 1];
        yield return ("keys", [
            .. Step(StepKind.Vtpm, 1, 1, new byte[52]), .. Step(StepKind.Vtpm, 2, 1, new byte[64]), .. Step(StepKind.Vtpm, 1, 2), .. Step(StepKind.Restart, 0, 0),
            .. Step(StepKind.Vtpm, 1, 2), .. Step(StepKind.Vtpm, 1, 3), .. Step(StepKind.Reconnect, 1, 0), .. Step(StepKind.Vtpm, 2, 2)]);
        yield return ("groups", [
            .. Step(StepKind.Management, 0, 0x102, [.. new byte[20], 0x80, .. new byte[200]]), .. Step(StepKind.SignedUpdate, 0, 1, 1, 1), .. Step(StepKind.Management, 0, 0x204, group1),
            .. Step(StepKind.Management, 0, 0x201, [.. group1, 0, 0, 0, 0]), .. Step(StepKind.Management, 0, 0x107, group1), .. Step(StepKind.Restart, 0, 0),
            .. Step(StepKind.Management, 0, 0x103, group1)]);
        yield return ("shared", [
            .. Step(StepKind.Shared, 1, 1, new byte[52]), .. Step(StepKind.Shared, 2, 1, new byte[52]), .. Step(StepKind.Management, 0, 0x101), .. Step(StepKind.Shared, 1, 1, new byte[60])]);
        yield return ("update", [.. Step(StepKind.SignedUpdate, 0, 0, 2, 20, 7), .. Step(StepKind.Vtpm, 1, 1, new byte[52]), .. Step(StepKind.Restart, 0, 0)]);
        yield return ("hardware", [.. Step(StepKind.Hardware, 1, 0x46, 0, 0, 0, 8), .. Step(StepKind.Hardware, 1, 0x14, new byte[24]), .. Step(StepKind.Raw, 0, 0, 0, 0xC1, 0, 0, 0, 10, 0, 0, 0, 1)]);
        yield return ("quote", [.. Step(StepKind.Vtpm, 1, 1, new byte[52]), .. Step(StepKind.Vtpm, 1, 4, [.. new byte[20], 0, 3, 255, 0, 0, 0, 0, 0, 15])]);
        foreach (VtpmManagerOrdinal ordinal in ManagerCommands.OfAdministrators.Keys)
            foreach (int length in new[] { 0, 4, 8, 36, 250 })
                yield return ($"{ordinal}-{length}", [.. Step(StepKind.Vtpm, 1, 1, new byte[52]), .. Step(StepKind.Management, 0, (ushort)ordinal, new byte[length])]);
    }

    private static byte[] Request(StepKind kind, ushort ordinal, ReadOnlySpan<byte> body, RSA key, ManagerImage image)
    {
        byte[] parameters = kind == StepKind.SignedUpdate ? SignedUpdate(ordinal, body, key, image) : body.ToArray();
        (TpmTag tag, uint code) = kind switch
        {
            StepKind.Vtpm or StepKind.Shared => (TpmTag.VtpmReq, ordinal),
            StepKind.Hardware => (TpmTag.RquCommand, ordinal),
            StepKind.SignedUpdate => (TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.GroupUpdate),
            _ => (TpmTag.VtpmReq2, 0x02000000u | ordinal),
        };
        return kind == StepKind.Raw
            ? parameters
            : [.. WireFormat.ToBytes(new TpmHeader { Tag = tag, ParamSize = (uint)(TpmHeader.Size + parameters.Length), Code = code }), .. parameters];
    }

    // A list that the authority has signed: of the present platform and others, and of kernels, as many as two bytes say.
    private static byte[] SignedUpdate(ushort group, ReadOnlySpan<byte> body, RSA key, ManagerImage image)
    {
        int platforms = body.Length > 0 ? body[0] % 24 : 1, kernels = body.Length > 1 ? body[1] % 100 : 1;
        SealEntry present = image.Groups[0].Platforms[0];
        ulong sequence = group < image.Groups.Count ? image.Groups[group].ConfigurationSequence + 1 : 1;
        byte[] file = SignedConfiguration.Create(
            key, sequence,
            [new PlatformConfiguration(present.PcrMask, present.DigestRelease), .. Enumerable.Range(0, platforms).Select(i => new PlatformConfiguration(1, TpmDigest.Of([(byte)i])))],
            [.. Enumerable.Range(0, kernels).Select(i => TpmDigest.Of([(byte)i])), .. Vtpms.Select(uuid => ManagerLink.Hash(VtpmLabel.OnSocket(uuid)))]);
        return [0, 0, (byte)(group >> 8), (byte)group, .. file];
    }

    private static void Send(ManagerService service, ManagerLink[] links, int link, bool shared, byte[] request)
    {
        if (request.Length > TpmMessage.MaxLength) return;
        byte[] response = new byte[TpmMessage.MaxLength];
        if (!shared)
        {
            CheckAnswer(response, service.Handle(links[link], request, response));
            return;
        }

        // Two in one turn, as the server has them.
        int other = 1 + (link % (LinkCount - 1));
        int first = service.Begin(links[link], request, response);
        byte[] second = new byte[TpmMessage.MaxLength];
        int length = other == link ? 0 : service.Begin(links[other], request, second);
        if (first == TpmServer.Deferred) first = service.Finish(links[link], response);
        if (length == TpmServer.Deferred) length = service.Finish(links[other], second);
        CheckAnswer(response, first);
        if (other != link) CheckAnswer(second, length);
    }

    private static void CheckAnswer(byte[] response, int length) =>
        ImageFaces.Check(length is >= TpmHeader.Size and <= TpmMessage.MaxLength && TpmMessage.IsWhole(response.AsSpan(0, length)), $"an answer of {length} bytes is no message");

    private static ManagerLink[] NewLinks() => [ManagerLink.ToAdministrator(), .. Vtpms.Select(uuid => ManagerLink.ToVtpm(uuid, VtpmLabel.OnSocket(uuid)))];

    private static VtpmManager Restart(VtpmManager manager, TestTpm tpm, byte[] image)
    {
        ManagerImage before = manager.Service.Image;
        // What is open in memory alone is closed again.
        var open = before.Groups.Where(group => group is { IsOpen: true, IsRecovered: false }).Select(group => group.Uuid).ToHashSet();
        string expected = ImageFaces.Of(before, group => open.Contains(group.Uuid));
        manager.Dispose();
        VtpmManager next = Start(tpm, image);
        ImageFaces.Check(ImageFaces.Of(next.Service.Image, group => open.Contains(group.Uuid)) == expected, "what was acknowledged is not what a restart finds");
        return next;
    }

    private static VtpmManager Start(TestTpm tpm, byte[] image) => VtpmManager.Start(new ManagerOptions
    {
        Hardware = TpmAddress.Named("fuzz", "hardware"),
        Connect = _ => Connect(tpm),
        Image = new MemoryBlockStore(image),
        RollbackProtection = RollbackProtection.Off,
    });

    private static ITpmConnection Connect(TestTpm tpm) => new InMemoryTpm((_, request, response) =>
    {
        byte[] answer = tpm.Execute(request);
        answer.CopyTo(response);
        return answer.Length;
    }).Connect();

    private static Prepared Prepare()
    {
        var tpm = new TestTpm(rsa: new TransparentRsa(opensReal: true));
        using (var client = new TpmClient(Connect(tpm)))
        using (TpmSecret secret = TpmSecret.WellKnown())
            client.TakeOwnership(client.CreateEndorsementKeyPair(TpmKeys.EndorsementKey), secret, secret, TpmKeys.StorageRootKey);
        byte[] image = new byte[96 * 4096];
        string pem = Path.Combine(Directory.CreateTempSubdirectory("vtpm-fuzz-").FullName, "approval.pem");
        var key = RSA.Create(2048);
        File.WriteAllText(pem, key.ExportPkcs8PrivateKeyPem());
        using (VtpmManager manager = Start(tpm, image))
            manager.Provision(new ProvisioningOptions { KeyPath = pem, Labels = [.. Vtpms.Select(VtpmLabel.OnSocket)] });
        return new Prepared(tpm, tpm.State, image, key);
    }

    private sealed record Prepared(TestTpm Tpm, Engine.TpmState State, byte[] Image, RSA Key);
}
