namespace Vtpm.Fuzz;

/// <summary>Keeps of a corpus what takes a branch that no smaller input does.</summary>
internal static class CorpusReducer
{
    public static int Reduce(IFuzzTarget target, string from, string to)
    {
        foreach ((_, byte[] seed) in target.Seeds().Take(8)) target.Run(seed);
        Directory.CreateDirectory(to);
        var branches = new HashSet<int>();
        int kept = 0, all = 0;
        IEnumerable<FileInfo> files = new DirectoryInfo(from).EnumerateFiles();
        foreach (FileInfo file in files.OrderBy(file => file.Length).ThenBy(file => file.Name, StringComparer.Ordinal))
        {
            all++;
            byte[] input = File.ReadAllBytes(file.FullName);
            BranchMap.Clear();
            target.Run(input);
            ReadOnlySpan<byte> map = BranchMap.Taken;
            bool isNew = false;
            for (int i = 0; i < map.Length; i++)
            {
                isNew |= map[i] != 0 && branches.Add(i);
            }

            if (!isNew) continue;
            kept++;
            File.WriteAllBytes(Path.Combine(to, file.Name), input);
        }

        Console.WriteLine($"{target.Name}: {kept} of {all} inputs take all of the {branches.Count} branches");
        return branches.Count > 0 ? 0 : 1;
    }
}
